"""A headless Chromium and the accessibility checker, where they are to be had."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import pytest

AXE = "axe-core@4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
AXE_MEMBER = "package/axe.min.js"
NPM_SECONDS = 90
PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def chromium() -> str:
    """Where Chromium is; skips the test where it is not."""
    named = os.environ.get("CROSSDOCK_TEST_CHROMIUM", "")
    found = next((place for place in (named, *PLACES) if place and Path(place).exists()), "")
    if not found:
        pytest.skip("no Chromium is installed (CROSSDOCK_TEST_CHROMIUM names another place)")
    return found


@cache
def axe_source() -> str:
    """The checker's script, fetched once into the user's cache; skips the test where it cannot be had."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache_home / "crossdock" / "npm"
    archive = folder / "axe-core-4.14.1.tgz"
    if not archive.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"{AXE} is not in {folder}, and there is no npm to fetch it with")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", "--silent", "--pack-destination", str(folder), AXE]
        done = subprocess.run(command, check=False, capture_output=True, timeout=NPM_SECONDS)
        if done.returncode or not archive.exists():
            pytest.skip(f"npm could not fetch {AXE}")
    with tarfile.open(archive) as opened:
        member = opened.extractfile(AXE_MEMBER)
        assert member is not None
        source = member.read()
    assert hashlib.sha256(source).hexdigest() == AXE_SHA256, f"{archive} is not what was looked at"
    return source.decode()
