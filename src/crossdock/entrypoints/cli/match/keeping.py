"""Keeping a model: from then on the hub weighs with it."""

from pathlib import Path

from crossdock.durable.codec import decode
from crossdock.durable.records import Commit, EffectStep
from crossdock.entrypoints.cli.choosing import actor
from crossdock.entrypoints.cli.deployments import open_hub
from crossdock.identity.matching import catalogue
from crossdock.identity.matching.model import Model, encoded
from crossdock.identity.recognition.index import KeepModel
from crossdock.kit.errors import Finding, Invalid

UNREADABLE = "model-unreadable"


def readable_model(path: Path) -> Model:
    """A model that this release can weigh with. Raises Invalid (`file-unreadable`, `model-unreadable`)."""
    try:
        return catalogue.readable_model(path.read_bytes())
    except OSError as error:
        words = error.strerror or "it cannot be read"
        finding = Finding("file-unreadable", path.name, words)
        raise Invalid(f"{path.name} cannot be read", code="file-unreadable", findings=[finding]) from None
    except ValueError as error:
        finding = Finding(UNREADABLE, path.name, str(error))
        words = f"{path.name} is no model that this release can read; nothing was kept"
        raise Invalid(words, code=UNREADABLE, findings=[finding]) from None


async def keep_model(deployment: Path | None, model: Model, note: str) -> str:
    """Keep it in the deployment's database as the active one; its version. Raises StoreUnavailable."""
    effect = KeepModel(content=encoded(model), version=model.version, note=f"{actor()}: {note}")
    async with open_hub(deployment) as hub:
        outcome = await hub.committer.submit(Commit(effects=(EffectStep("keep", effect),)))
    return decode(outcome.findings[0], str)
