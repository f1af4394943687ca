"""The docks on the first page: short, the whole table is in `docs/adapters`."""

from crossdock.testing.catalogue import installed, roles_of


def docks() -> str:
    """One line per adapter that comes with Crossdock."""
    lines = ["| dock | roles | proved on |", "|---|---|---|"]
    for manifest in installed():
        page = f"src/crossdock/adapters/{manifest.name}/README.md"
        lines.append(f"| [{manifest.title}]({page}) | {roles_of(manifest)} | {manifest.tier.value} |")
    return "\n".join(lines)
