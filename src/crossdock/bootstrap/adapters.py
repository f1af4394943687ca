"""Finding adapters: ours and others' alike, by the entry-point group `crossdock.adapters`."""

from collections.abc import Mapping
from importlib.metadata import entry_points

from crossdock.kit.errors import Misconfigured
from crossdock.ports.manifest import AdapterManifest

GROUP = "crossdock.adapters"


def find_manifests() -> Mapping[str, AdapterManifest]:
    """Every installed adapter's manifest by name. Raises Misconfigured for one that is none."""
    found: dict[str, AdapterManifest] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        manifest = point.load()
        if not isinstance(manifest, AdapterManifest) or manifest.name != point.name:
            raise Misconfigured(
                f"the entry point {point.name} is no manifest of that name", code="adapter-not-loadable"
            )
        found[point.name] = manifest
    return found
