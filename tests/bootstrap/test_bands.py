"""How sure the hub has to be, a deployment says per kind of customer; it is read as strictly as the rest."""

from pathlib import Path

import msgspec
import pytest

from crossdock.bootstrap.adapters import find_manifests
from crossdock.bootstrap.deployment import load_deployment
from crossdock.identity.matching.model import Bands, Thresholds
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import Kind, PostalAddress, Profile
from crossdock.identity.recognition.deciding import Judge
from crossdock.identity.recognition.index import Candidate, Face, Nearby
from crossdock.identity.recognition.starting_model import starting_model
from crossdock.kit.errors import Misconfigured

HOME = PostalAddress(lines=("Lindenstr. 12",), postcode="80331", city="München")
ANNA = Profile(given="Anna", family="Seidl", birth_date="1980-05-17", country="DE", addresses=(HOME,))
MEYER = Profile(
    kind="organisation", organisation="Meyer Bau GmbH", country="DE", addresses=(HOME,), phones=("089 123456",)
)


def bands_of(folder: Path, text: str) -> Bands:
    (folder / "systems.yaml").write_text("erp: {adapter: memory}\n")
    (folder / "routes.yaml").write_text("erp: erp\n")
    (folder / "policies.yaml").write_text(text)
    return load_deployment(folder, find_manifests()).policies.matching


def band_of(bands: Bands, profile: Profile) -> str:
    """What becomes of a record that says the same as one the index has."""
    features = features_of(profile)
    known = Candidate("p", 1, 1, (Face("known", features),))
    nearby = Nearby(candidates=(known,), population=1_000)
    return Judge(starting_model(), bands).find("new", features, nearby, "q")[0].band


def test_a_deployment_that_says_nothing_has_the_usual_bands(tmp_path: Path) -> None:
    bands = bands_of(tmp_path, "{}")
    assert bands == Bands()
    assert (bands.person.link, bands.person.review) == (6.0, -2.0)
    assert [band_of(bands, one) for one in (ANNA, MEYER)] == ["link", "link"]


@pytest.mark.parametrize(("kind", "found"), [("person", ["review", "link"]), ("organisation", ["link", "review"])])
def test_each_kind_has_bands_of_its_own(tmp_path: Path, kind: Kind, found: list[str]) -> None:
    bands = bands_of(tmp_path, f"matching: {{{kind}: {{link: 90, review: 1.5}}}}")
    assert bands == msgspec.structs.replace(Bands(), **{kind: Thresholds(link=90, review=1.5)})
    assert [band_of(bands, one) for one in (ANNA, MEYER)] == found


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("matching: {person: {link: 1, review: 2}}", "policies.yaml $.matching.person"),
        ("matching: {organisation: {link: soon}}", "policies.yaml $.matching.organisation.link"),
        ("matching: {person: {likely: 3}}", "policies.yaml $.matching.person"),
        ("matching: {people: {link: 3}}", "policies.yaml $.matching"),
        ("matching: {person: {link: .nan}}", "policies.yaml $.matching.person.link"),
    ],
)
def test_what_makes_no_bands_is_told_with_its_path(tmp_path: Path, text: str, path: str) -> None:
    with pytest.raises(Misconfigured) as fault:
        bands_of(tmp_path, text)
    assert [finding.path for finding in fault.value.findings] == [path]
