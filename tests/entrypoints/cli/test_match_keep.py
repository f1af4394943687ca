"""`crossdock match keep`: a model out of a file weighs in the hub; one that could not weigh never gets there."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from bench.match.retail import retail_rows
from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.cli.test_match import written

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.bootstrap.hub import Hub
from crossdock.identity.matching.model import Model, encoded
from crossdock.identity.recognition.starting_model import starting_model
from crossdock.processes.customer_recognition import Recogniser


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def hub_folder(request: pytest.FixtureRequest, deployment: Path) -> Path:
    """The deployment, on either database."""
    if request.param == "postgres":
        (deployment / "hub.yaml").write_text(f"store: {request.getfixturevalue('postgres_dsn')}\n")
    return deployment


def weighs_with(deployment: Path) -> str:
    """The version of the model that a hub of this deployment weighs with."""

    async def look() -> str:
        async with Hub(load_deployment(deployment, find_manifests())) as hub:
            return await Recogniser(hub.store).refresh()

    return asyncio.run(look())


def model_file(path: Path, model: Model) -> str:
    path.write_bytes(encoded(model))
    return str(path)


def test_a_kept_model_weighs_and_the_one_before_can_be_kept_again(
    cli: Cli, hub_folder: Path, tmp_path: Path
) -> None:
    first, second = (starting_model().rescaled(count) for count in (5_000, 7_000))
    files = [model_file(tmp_path / f"{model.version}.json", model) for model in (first, second)]
    for file, model in ((files[0], first), (files[1], second), (files[0], first)):
        told = cli("match", "keep", file, "--json")
        assert told.code == 0, told.err
        assert told.json == {"version": model.version, "kept": True}
        assert weighs_with(hub_folder) == model.version
    assert first.version in cli("match", "keep", files[0]).out


def test_a_model_is_kept_as_soon_as_it_is_learned(cli: Cli, hub_folder: Path, tmp_path: Path) -> None:
    customers = written(tmp_path / "customers.csv", list(retail_rows(300, seed=3)))
    words = ("match", "train", str(customers), "--to", str(tmp_path / "model.json"))
    told = cli(*words)
    assert "crossdock match rehearse" in told.err, "what nobody has tried should not weigh"
    assert weighs_with(hub_folder) == starting_model().version
    told = cli(*words, "--keep", "--json")
    assert told.code == 0, told.err
    assert told.json["kept"] is True
    assert weighs_with(hub_folder) == told.json["version"]
    assert cli("match", "keep", str(tmp_path / "model.json"), "--json").json["version"] == told.json["version"]


def test_without_a_deployment_nothing_is_learned_to_be_kept(cli: Cli, tmp_path: Path) -> None:
    customers = written(tmp_path / "customers.csv", list(retail_rows(50, seed=3)))
    to = tmp_path / "model.json"
    told = cli("match", "train", str(customers), "--to", str(to), "--keep", "-d", str(tmp_path / "none"))
    assert "deployment-missing" in told.err
    assert not to.exists()


def changed(change: Any) -> bytes:
    """A whole model with one thing changed in it."""
    content = json.loads(encoded(starting_model()))
    change(content)
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no model",
        b"\xff\xfe",
        b"{}",
        changed(lambda told: told.update(format=99)),
        changed(lambda told: told["person"]["comparisons"].pop()),
        changed(lambda told: told["person"].update(kind="organisation")),
        changed(lambda told: told["organisation"]["comparisons"][0]["match"].pop()),
        changed(lambda told: told["person"]["comparisons"][0]["random"].__setitem__(0, 0.0)),
    ],
    ids=["empty", "text", "not-utf8", "nothing", "format", "comparison", "kind", "level", "share"],
)
def test_what_could_not_weigh_is_refused_and_the_model_before_weighs_on(
    cli: Cli, deployment: Path, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "model.json").write_bytes(content)
    told = cli("match", "keep", str(tmp_path / "model.json"))
    assert told.code == 6
    assert "model-unreadable" in told.err
    assert weighs_with(deployment) == starting_model().version


def test_a_file_that_is_not_there_is_named(cli: Cli, tmp_path: Path) -> None:
    told = cli("match", "keep", str(tmp_path / "none.json"))
    assert told.code == 6
    assert "file-unreadable" in told.err
