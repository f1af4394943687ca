"""What a page points at is there; `acme` is what the template is called until it has a name."""

import re
from pathlib import PurePosixPath
from posixpath import normpath

import pytest
from tests.architecture.tree import ROOT, files
from tests.docs.markdown import anchors_of, links_of, pages, prose_of

PATH = re.compile(r"`((?:src|tests|docs|bench|changes|deployments|requirements|templates)/[\w./*-]*)`")
COPIED = ("deployments/example/", "templates/adapter/")
"""Pages that are copied to other places: what they point at has to come along."""


def goal(page: str, link: str) -> str:
    """The path that a relative link leads to."""
    return normpath(str(PurePosixPath(page).parent / link)) if link else page


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page: str) -> None:
    for link in links_of(page):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        there = goal(page, path)
        assert (ROOT / there).exists(), f"{link} leads to nothing"
        if anchor:
            assert anchor in anchors_of(there), f"{there} has no heading #{anchor}"


@pytest.mark.parametrize("page", [page for page in pages() if page.startswith(COPIED)])
def test_pages_that_are_copied_point_at_nothing_beyond_their_folder(page: str) -> None:
    folder = next(folder for folder in COPIED if page.startswith(folder))
    inside = [link for link in links_of(page) if "://" not in link]
    assert all(goal(page, link.partition("#")[0]).startswith(folder) for link in inside)


def test_every_page_can_be_reached_from_the_first() -> None:
    reached, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.endswith(".md"):
            continue
        reached.add(page)
        waiting += [goal(page, link.partition("#")[0]) for link in links_of(page) if "://" not in link]
    apart = {page for page in pages() if page.startswith(("templates/", "changes/"))}
    assert set(pages()) - reached - apart == set()


@pytest.mark.parametrize("page", pages())
def test_every_path_in_code_is_there(page: str) -> None:
    known = {"", *files(), *(str(parent) for path in files() for parent in PurePosixPath(path).parents)}
    for path in PATH.findall(prose_of(page)):
        assert "acme" in path or path.rstrip("/") in known or list(ROOT.glob(path)), f"{path} is not there"


def test_no_page_points_at_a_file_that_is_not_committed() -> None:
    known = {*files(), *(str(parent) for path in files() for parent in PurePosixPath(path).parents)}
    for page in pages():
        for link in links_of(page):
            if "://" not in link:
                assert goal(page, link.partition("#")[0]) in known, f"{page}: {link}"
