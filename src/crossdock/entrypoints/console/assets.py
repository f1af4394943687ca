"""The console's files: styles, scripts, pictures. Their addresses carry a hash, so browsers may keep them."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files

from litestar import Response, get
from litestar.params import FromPath

from crossdock.entrypoints.entrance.problems import Problem

STATIC = files("crossdock.entrypoints.console") / "static"
VENDOR_MANIFEST = "vendor/manifest.json"
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
ASSETS = ("console.css", "console.js", "theme.js", "mark.svg", "vendor/htmx-4.0.1.min.js")
HASH_CHARACTERS = 12


@cache
def read_asset(name: str) -> bytes:
    """The bytes of a file of ours."""
    return STATIC.joinpath(*name.split("/")).read_bytes()


@cache
def asset_url(name: str) -> str:
    """The address of a file of ours; it changes with the content."""
    return f"/console/static/{_hash(name)}/{name.rpartition('/')[2]}"


def vendored() -> Mapping[str, str]:
    """Files that others wrote, and the SHA-256 each must have."""
    entries = json.loads(read_asset(VENDOR_MANIFEST))
    return {entry["file"]: entry["sha256"] for entry in entries}


@get("/console/static/{version:str}/{name:str}", name="console_asset", sync_to_thread=False)
def console_asset(version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """A file of the console. An old page may ask by an old hash: it gets today's file, and does not keep it."""
    asset = _by_name().get(name)
    if asset is None:
        raise Problem(HTTPStatus.NOT_FOUND, "not-found")
    kept = "public, max-age=31536000, immutable" if version == _hash(asset) else "no-cache"
    media_type = MEDIA_TYPES["." + name.rpartition(".")[2]]
    return Response(read_asset(asset), media_type=media_type, headers={"Cache-Control": kept})


@cache
def _by_name() -> Mapping[str, str]:
    return {asset.rpartition("/")[2]: asset for asset in ASSETS}


@cache
def _hash(name: str) -> str:
    return hashlib.sha256(read_asset(name)).hexdigest()[:HASH_CHARACTERS]
