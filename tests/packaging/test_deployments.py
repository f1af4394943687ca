"""What lies under deployments/ for containers is right, as far as can be seen without an engine that runs them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.entrypoints.api.app import PROBE_ROUTES
from crossdock.entrypoints.cli.main import app

ROOT = Path(__file__).parents[2]
COMPOSE, CHART = ROOT / "deployments/compose", ROOT / "deployments/helm"
OURS = {"hub", "worker"}
EVERYTHING = {
    "files.systems\\.yaml": "erp: {adapter: memory}",
    "files.routes\\.yaml": "erp: erp",
    "secrets.files": "crossdock-files",
    "postgresql.enabled": "true",
    "nats.enabled": "true",
    "autoscaling.enabled": "true",
}
WRITTEN_OUT = re.compile(r"(?im)(password|token|secret)\w*\s*[:=]\s*['\"]?[A-Za-z0-9+/]{8,}\s*$")
CLI: Any = typer.main.get_command(app)


def understood(words: list[str]) -> None:
    """Fail unless the command line takes these words."""
    CLI.commands[words[0]].make_context(words[0], [str(word) for word in words[1:]])


# ── Compose ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((COMPOSE / "compose.yaml").read_text())


def test_our_containers_run_confined_and_say_what_they_do(compose: Any) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert service["read_only"]
        assert service["user"] == "10001:10001"
        assert service["cap_drop"] == ["ALL"]
        understood(service["command"])


def test_every_secret_is_a_file_outside_and_every_one_is_used(compose: Any) -> None:
    used = {name for service in compose["services"].values() for name in service.get("secrets", ())}
    assert used == set(compose["secrets"])
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    text = (COMPOSE / "compose.yaml").read_text() + (COMPOSE / "nats.conf").read_text()
    assert not re.search(
        r"(?i)(password|token|secret)\w*\s*[:=]\s*['\"]?[A-Za-z0-9+/]{8,}\s*$", text, re.MULTILINE
    )


def test_the_deployment_is_one_that_the_hub_takes(
    compose: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "crossdock"
    shutil.copytree(COMPOSE / "crossdock", folder)
    (tmp_path / "secrets").mkdir()
    for name in compose["services"]["hub"]["secrets"]:
        text = "postgresql://crossdock:x@postgres/crossdock" if name == "store" else "x"
        (tmp_path / "secrets" / name).write_text(text)
    for file in folder.glob("*.yaml"):
        file.write_text(file.read_text().replace("/run/secrets/", f"{tmp_path}/secrets/"))
    for name in compose["services"]["hub"]["environment"]:
        monkeypatch.setenv(name, "https://erp.example" if name.endswith("_URL") else "erp")
    deployment = load_deployment(folder, find_manifests())
    assert deployment.hub.store.startswith("postgresql://")
    assert deployment.hub.http.token is not None


# ── the image ───────────────────────────────────────────────────────────────────────────────────────


def test_the_image_is_built_in_stages_and_runs_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text()
    build, run = re.split(r"^FROM [^\n]+\n", text, flags=re.MULTILINE)[1:]
    assert "--require-hashes" in build
    assert "USER 10001:10001" in run
    assert "pip" not in run
    sources = [
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE) for word in line.split()
    ]
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {source.rstrip("/") for source in sources} == let_in
    assert all((ROOT / source).exists() for source in sources)


def test_the_images_lock_holds_no_erp() -> None:
    assert "trytond" not in (ROOT / "requirements/image.lock").read_text()


# ── the chart ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def helm() -> str:
    found = os.environ.get("CROSSDOCK_HELM") or shutil.which("helm")
    if not found and os.environ.get("CROSSDOCK_REQUIRE_SERVICES") == "1":
        pytest.fail("CROSSDOCK_REQUIRE_SERVICES=1, but there is no helm", pytrace=False)
    if not found:
        pytest.skip("there is no helm (CROSSDOCK_HELM names one)")
    return found


def run(*command: str, values: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    sets = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    return subprocess.run([*command, *sets], capture_output=True, text=True, check=False)


def rendered(helm: str, **values: str) -> list[Any]:
    sets = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    done = subprocess.run(
        [helm, "template", "shop", str(CHART), *sets], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def pods(documents: list[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for document in documents:
        if document["kind"] in {"Deployment", "StatefulSet"}:
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it comes", "with everything"])
def test_helm_finds_no_fault(helm: str, values: dict[str, str]) -> None:
    sets = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    done = subprocess.run(
        [helm, "lint", "--strict", str(CHART), *sets], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_container_runs_confined_with_secrets_by_reference(helm: str) -> None:
    documents = rendered(helm, **EVERYTHING)
    found = dict(pods(documents))
    assert set(found) == {"shop-hub", "shop-worker", "shop-postgresql", "shop-nats"}
    for pod in found.values():
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            confined = container["securityContext"]
            assert confined["readOnlyRootFilesystem"]
            assert confined["capabilities"] == {"drop": ["ALL"]}
            assert not confined["allowPrivilegeEscalation"]
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            claims = {"data"}
            assert mounted <= {volume["name"] for volume in pod["volumes"]} | claims
    assert not [document for document in documents if document["kind"] == "Secret"]


def test_hub_and_workers_are_started_and_probed_as_the_program_has_it(helm: str) -> None:
    probed = {path for route in PROBE_ROUTES for path in route.paths}
    for name, pod in pods(rendered(helm)):
        (container,) = pod["containers"]
        understood(container["args"])
        port = container["args"][container["args"].index("--port") + 1]
        assert container["ports"] == [{"name": "http", "containerPort": int(port)}], name
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["path"] in probed


@pytest.mark.parametrize(("kind", "made"), [("keda", "ScaledObject"), ("hpa", "HorizontalPodAutoscaler")])
def test_workers_grow_with_the_age_of_what_waits_for_them(helm: str, kind: str, made: str) -> None:
    documents = rendered(helm, **{"autoscaling.enabled": "true", "autoscaling.kind": kind})
    (scaler,) = [document for document in documents if document["kind"] == made]
    assert "crossdock_ready_age_seconds" in yaml.safe_dump(scaler)
    assert scaler["spec"]["scaleTargetRef"]["name"] == "shop-worker"
    (worker,) = [
        document
        for document in documents
        if document["kind"] == "Deployment" and document["metadata"]["name"] == "shop-worker"
    ]
    assert "replicas" not in worker["spec"], "they would fight over the number"


def test_a_kind_of_scaling_that_does_not_exist_is_refused(helm: str) -> None:
    values = {"autoscaling.enabled": "true", "autoscaling.kind": "magic"}
    done = run(helm, "template", "x", str(CHART), values=values)
    assert done.returncode != 0
    assert "keda or hpa" in done.stderr
