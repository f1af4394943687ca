"""The peers' environments: made on first use under the user's cache folder, from pinned versions.

They never enter the project's own locks. What cannot be had here is said by `Unobtainable`, and the table goes
on without it.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PINNED = Path(__file__).parent / "pinned"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crossdock" / "bench"
INSTALL_SECONDS_MAX = 300
ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class Unobtainable(Exception):
    """This peer, or what it needs, cannot be had on this machine: says why."""


def python_with(name: str, pinned: Path = PINNED) -> Path:
    """The interpreter of the environment with `<name>.txt` of the folder `pinned`. Raises Unobtainable."""
    pins = pinned / f"{name}.txt"
    folder = CACHE / f"{name}-{_digest(pins)}"
    interpreter = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _install(
            [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins], folder
        )
    return interpreter


def restate_server() -> Path:
    """The server's binary, out of its npm package. Raises Unobtainable."""
    if shutil.which("npm") is None:
        raise Unobtainable("npm is not installed, and the server comes as an npm package")
    pins = PINNED / "package-lock.json"
    folder = CACHE / f"restate-server-{_digest(pins)}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PINNED / name, folder)
        _install(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"], folder)
    kind = f"{platform.system().lower()}-{ARCHITECTURES.get(platform.machine().lower(), platform.machine())}"
    binary = folder / "node_modules" / "@restatedev" / f"restate-server-{kind}" / "bin" / "restate-server"
    if not binary.exists():
        raise Unobtainable(f"there is no server binary for {kind}")
    return binary


def pinned_version(name: str, package: str) -> str:
    """The version of a package in `pinned/<name>.txt`."""
    found = re.search(
        rf"^{re.escape(package)}==(\S+)", (PINNED / f"{name}.txt").read_text(), re.MULTILINE | re.IGNORECASE
    )
    assert found is not None, f"{package} is not pinned in {name}.txt"
    return found[1]


def restate_version() -> str:
    """The version of the server that is pinned."""
    wanted: str = json.loads((PINNED / "package.json").read_text())["dependencies"]["@restatedev/restate-server"]
    return wanted


def _digest(pins: Path) -> str:
    return hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]


def _install(command: list[str | Path], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unobtainable(f"installing took more than {INSTALL_SECONDS_MAX} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise Unobtainable(f"installing failed: {said[-1]}")
    (folder / "complete").touch()
