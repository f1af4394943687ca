"""The generated parts of the pages say what the code says."""

import pytest
from docs.generate.__main__ import PARTS, written_anew
from docs.generate.recipe import RecipeReader
from tests.architecture.tree import files, text_of

from crossdock.processes import order_submission


@pytest.mark.parametrize(("page", "name"), PARTS)
def test_the_page_is_as_the_code_has_it(page: str, name: str) -> None:
    assert text_of(page) == written_anew(page, name), "run: make docs"


def test_a_recipe_is_read_in_its_order_with_undo_recall_and_pivot() -> None:
    reader = RecipeReader(order_submission)
    reader.follow("body")
    enrich, hold, submit, *_ = reader.recipe.steps
    assert enrich.asks == ("find_customers", "find_products", "find_prices")
    assert (hold.effect, hold.undo) == ("HoldStock", "ReleaseStock")
    assert (submit.undo, submit.recall, submit.pivot) == ("cancel_order", "find_order", True)


def test_every_decision_stands_in_the_list() -> None:
    listed = text_of("docs/decisions/README.md")
    decisions = [path for path in files() if path.startswith("docs/decisions/0")]
    assert decisions
    for path in decisions:
        name = path.rpartition("/")[2]
        title = text_of(path).splitlines()[0].partition(" · ")[2]
        assert f"| [{name[:4]}]({name}) | {title} | " in listed
