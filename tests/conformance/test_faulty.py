"""The suite catches faulty docks, each by exactly the rules it breaks and by no other."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

CAUGHT_BY = {
    "duplicating": {
        "the_same_key_twice_makes_one_order",
        "the_same_key_at_once_makes_one_order",
        "the_same_key_with_other_content_is_a_conflict",
        "a_lost_answer_is_outcome_unknown",
        "a_silent_system_is_outcome_unknown",
        "a_late_commit_is_found_once_settled",
        "a_half_finished_order_is_continued",
    },
    "swallowing": {
        "a_lost_answer_is_outcome_unknown",
        "a_silent_system_is_outcome_unknown",
        "a_late_commit_is_found_once_settled",
        "a_half_finished_order_is_continued",
        "a_half_finished_order_is_cancelled",
    },
    "optimistic": {"an_unknown_status_is_pending"},
    "talkative": {"nothing_secret_or_personal_is_told", "throttling_carries_the_vendors_wait"},
    "impatient": {"a_crash_before_acknowledge_loses_nothing", "a_slow_hub_is_not_flooded"},
    "careless": {
        "each_update_has_its_own_outcome",
        "a_lost_answer_is_outcome_unknown",
        "a_product_without_price_is_absent",
    },
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Sequence[ET.Element]:
    """Every test case of the suite's run on all faulty docks."""
    report = tmp_path_factory.mktemp("faulty") / "report.xml"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", *(str(HERE / "faulty" / f"{faulty}.py") for faulty in CAUGHT_BY)),
            *("-q", "-p", "no:cacheprovider", "--junitxml", str(report)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert run.returncode == 1, run.stdout[-4000:] + run.stderr[-2000:]
    return list(ET.parse(report).iter("testcase"))


@pytest.mark.parametrize("faulty", CAUGHT_BY)
def test_exactly_the_rules_that_a_faulty_dock_breaks_catch_it(faulty: str, cases: Sequence[ET.Element]) -> None:
    held = [case for case in cases if f".{faulty}." in case.attrib["classname"]]

    failed = {
        case.attrib["name"].removeprefix("test_")
        for case in held
        if case.find("failure") is not None or case.find("error") is not None
    }

    assert failed == CAUGHT_BY[faulty]
    assert len(held) > len(failed)
