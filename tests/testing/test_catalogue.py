"""What the pages say about rules and adapters is what the code says."""

from pathlib import Path

import pytest

from crossdock.ports.manifest import Role
from crossdock.testing.catalogue import TABLES, main, put_between_marks, quality_skeleton
from crossdock.testing.conformance import SUITES, rules
from crossdock.testing.quality import read_quality

PAGES = Path(__file__).parents[2] / "docs" / "adapters"


@pytest.mark.parametrize(("page", "name"), TABLES)
def test_the_tables_in_the_pages_are_those_of_the_code(page: str, name: str) -> None:
    text = (PAGES / page).read_text("utf-8")

    written_anew = put_between_marks(text, name, TABLES[page, name]())

    assert text == written_anew, "run: make docs"


def test_every_role_has_a_suite_and_every_rule_a_promise() -> None:
    assert set(SUITES) == {"dock", *(role.value for role in Role)}
    for suite in SUITES.values():
        assert all(words.endswith(".") for words in rules(suite).values())


def test_a_quality_file_to_begin_with_answers_every_rule(tmp_path: Path) -> None:
    path = tmp_path / "quality.yaml"
    path.write_text(quality_skeleton("acme", ["stock_source"]))

    verdicts = read_quality(path).verdicts

    assert {role: set(answers) for role, answers in verdicts.items()} == {
        role: set(rules(SUITES[role])) for role in ("dock", "stock_source")
    }
    assert {answer.state for answers in verdicts.values() for answer in answers.values()} == {"todo"}


def test_an_unknown_role_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--quality", "acme", "stock_sauce"])

    assert "no such role: stock_sauce" in capsys.readouterr().err
