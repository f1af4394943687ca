"""Keeping a model: from then on the hub weighs with it."""

from pathlib import Path

from crossdock.durable.codec import decode
from crossdock.durable.records import Commit, EffectStep
from crossdock.entrypoints.cli.choosing import actor
from crossdock.entrypoints.cli.deployments import open_hub
from crossdock.identity.matching.catalogue import comparisons_of
from crossdock.identity.matching.model import ComparisonModel, Model, decoded, encoded
from crossdock.identity.matching.record import Kind
from crossdock.identity.recognition.index import KeepModel
from crossdock.kit.errors import Finding, Invalid

UNREADABLE = "model-unreadable"


def readable_model(path: Path) -> Model:
    """A model that this release can weigh with. Raises Invalid (`file-unreadable`, `model-unreadable`)."""
    try:
        model = decoded(path.read_bytes())
        _check(model)
    except OSError as error:
        words = error.strerror or "it cannot be read"
        finding = Finding("file-unreadable", path.name, words)
        raise Invalid(f"{path.name} cannot be read", code="file-unreadable", findings=[finding]) from None
    except ValueError as error:
        finding = Finding(UNREADABLE, path.name, str(error))
        words = f"{path.name} is no model that this release can read; nothing was kept"
        raise Invalid(words, code=UNREADABLE, findings=[finding]) from None
    return model


def _check(model: Model) -> None:
    """That it speaks of the comparisons of this release, level by level. Raises ValueError."""
    kinds: tuple[Kind, Kind] = ("person", "organisation")
    for kind in kinds:
        part = model.of(kind)
        known = {one.name: len(one.levels) for one in comparisons_of(kind, part.extras)}
        if part.kind != kind or [one.name for one in part.comparisons] != [*known]:
            raise ValueError(f"$.{kind}: it compares other things of a {kind} than this release")
        if faulty := [one.name for one in part.comparisons if not _is_whole(one, known[one.name])]:
            raise ValueError(f"$.{kind}: {faulty[0]} has other levels, or shares that are none")


def _is_whole(one: ComparisonModel, levels: int) -> bool:
    classes = (one.match, one.household, one.random)
    return all(len(shares) == levels and all(0 < share <= 1 for share in shares) for shares in classes)


async def keep_model(deployment: Path | None, model: Model, note: str) -> str:
    """Keep it in the deployment's database as the active one; its version. Raises StoreUnavailable."""
    effect = KeepModel(content=encoded(model), version=model.version, note=f"{actor()}: {note}")
    async with open_hub(deployment) as hub:
        outcome = await hub.committer.submit(Commit(effects=(EffectStep("keep", effect),)))
    return decode(outcome.findings[0], str)
