"""From which weight on records are linked or looked at: as told, else as the deployment says, else as usual."""

from pathlib import Path

from crossdock.entrypoints.cli.deployments import find_folder
from crossdock.entrypoints.cli.output import note
from crossdock.identity.matching.model import Bands
from crossdock.kit.errors import Finding, Invalid, Misconfigured


def bands_of(deployment: Path | None) -> Bands:
    """Those of the deployment (`matching` in policies.yaml), or the usual ones where none is here.

    Raises Misconfigured where the deployment was named and is none, or its policies are faulty.
    """
    from crossdock.bootstrap.deployment import load_policies  # noqa: PLC0415 - only where it is wanted

    try:
        folder = find_folder(deployment)
    except Misconfigured as error:
        if error.code == "deployment-ambiguous":
            note(f"The usual bands hold: {error.message}")
        return Bands()
    bands = load_policies(folder).matching
    if bands != Bands():
        note(f"With the bands of {folder / 'policies.yaml'}")
    return bands


def changed_bands(bands: Bands, link_from: float | None, review_from: float | None) -> Bands:
    """The same with what was told on the command line, for both kinds. Raises Invalid (`thresholds-crossed`)."""
    try:
        return bands.changed(link_from, review_from)
    except ValueError:
        finding = Finding("thresholds-crossed", "--link-from", "it lies below where reviews begin (--review-from)")
        raise Invalid("nothing could be linked", code="thresholds-crossed", findings=[finding]) from None
