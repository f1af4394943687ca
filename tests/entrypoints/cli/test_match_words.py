"""Another model, or other thresholds, on what stewards decided in the hub: nothing but the words counts."""

from pathlib import Path

import pytest
from tests.entrypoints.cli.conftest import Cli
from tests.entrypoints.cli.past import Past, a_past
from tests.entrypoints.customers import ALMOST_ANNA, ANNA
from tests.stores import postgres_stores

from crossdock.entrypoints.cli.exits import ExitCode
from crossdock.identity.matching.model import encoded
from crossdock.identity.recognition.starting_model import starting_model

NAMES = ("crm/partner/BP-00001", "crm/partner/BP-00002")
REHEARSE = ("match", "rehearse", "--json")
KEEN = ("--link-from", "-40", "--review-from", "-40")
SHY = ("--link-from", "900", "--review-from", "800")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def doubted(request: pytest.FixtureRequest, deployment: Path) -> Past:
    """Somebody stands in the CRM who may be Anna, and a steward is asked."""
    dsn = ""
    if request.param == "postgres":
        dsn = request.getfixturevalue("migrated_postgres")
        postgres_stores(dsn)
    past = a_past(deployment, dsn)
    past.write("crm", ANNA)
    past.write("crm", ALMOST_ANNA)
    past.work(records=NAMES)
    return past


def test_a_word_that_two_are_others_is_contradicted_by_bands_that_would_link_them(
    doubted: Past, cli: Cli, tmp_path: Path
) -> None:
    (review,) = cli("customers", "reviews", "--json").json
    nothing = cli(*REHEARSE, *KEEN).json["words"]
    assert (nothing["decided"], nothing["contradicted"]) == (0, 0), "nobody has said anything"
    decided = cli("customers", "decide", "not-same", str(review["number"]), "--reason", "sisters")
    assert decided.code == ExitCode.OK, decided.err
    doubted.work()
    before, page = (doubted.rows(), doubted.written()), tmp_path / "tried.html"
    told = cli(*REHEARSE, *KEEN, "--report", str(page))
    assert told.code == ExitCode.FAILED, told.err
    words = told.json["words"]
    assert (words["decided"], words["moved"], words["contradicted_before"], words["contradicted"]) == (1, 1, 0, 1)
    (pair,) = words["pairs"]
    assert {pair["one"], pair["other"]} == set(NAMES)
    assert (pair["verdict"], pair["before"], pair["after"], pair["contradicts"]) == (
        "not_same",
        "review",
        "link",
        True,
    )
    (source,) = told.json["sources"]
    assert (source["source"], source["records"], source["other_band"]) == ("crm", 2, 2)
    assert "against" in page.read_text()
    assert "AGAINST" in cli("match", "rehearse", *KEEN).out
    as_it_is = cli(*REHEARSE)
    assert (as_it_is.code, as_it_is.json["words"]["moved"], as_it_is.json["sources"]) == (ExitCode.OK, 0, [])
    assert (doubted.rows(), doubted.written()) == before, "a rehearsal writes nothing"


def test_a_merge_counts_as_a_word_and_its_end_as_another(doubted: Past, cli: Cli, tmp_path: Path) -> None:
    (review,) = cli("customers", "reviews", "--json").json
    merged = cli("customers", "decide", "same", str(review["number"]), "--reason", "called her", "--json").json
    doubted.work()
    same = cli(*REHEARSE, *SHY)
    assert (same.code, same.json["words"]["decided"], same.json["words"]["contradicted"]) == (
        ExitCode.FAILED,
        1,
        1,
    )
    assert same.json["words"]["pairs"][0]["verdict"] == "same"
    model = tmp_path / "model.json"
    model.write_bytes(encoded(starting_model()))
    known = cli(*REHEARSE, "--model", str(model))
    assert (known.code, known.json["words"]["moved"]) == (ExitCode.OK, 0), "the model that weighs already"
    cli("customers", "unmerge", merged["merge_id"], "--reason", "sisters")
    doubted.work()
    parted = cli(*REHEARSE, *SHY)
    assert (parted.code, parted.json["words"]["contradicted"]) == (ExitCode.OK, 0), "they are apart, as was said"
    assert cli(*REHEARSE, *KEEN).code == ExitCode.FAILED
    model.write_text("{}")
    assert "model-unreadable" in cli(*REHEARSE, "--model", str(model)).err
