"""Markdown as far as its promises can be tested: links, headings, commands in code."""

import re
from collections.abc import Iterator

from tests.architecture.tree import files, text_of

_FENCE = re.compile(r"^( *)(```+)(\w*)[^\n]*\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n(?!\n)[^`\n]+)?)`(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?\)")
_HEADING = re.compile(r"^#+ +(.+?) *#*$", re.MULTILINE)
SHELL = "sh"


def pages() -> list[str]:
    """The Markdown files of the repository."""
    return [path for path in files() if path.endswith(".md")]


def prose_of(page: str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def links_of(page: str) -> list[str]:
    """Where a page's links lead."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", prose_of(page)))


def anchors_of(page: str) -> set[str]:
    """The headings of a page as they are linked to."""
    texts = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in _HEADING.findall(prose_of(page)))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


def languages_of(page: str) -> list[str]:
    """What the fenced blocks of a page are written in."""
    return [language for _indent, _fence, language, _content in _FENCE.findall(text_of(page))]


def blocks_of(page: str) -> Iterator[str]:
    """A page's blocks of shell commands, each with its comments."""
    for _indent, _fence, language, content in _FENCE.findall(text_of(page)):
        if language == SHELL:
            yield content


def commands_of(page: str) -> Iterator[str]:
    """Every line in a block of shell commands, and every span of code, of a page."""
    for block in blocks_of(page):
        yield from (line.strip() for line in block.splitlines() if line.strip())
    yield from (" ".join(span.split()) for span in _SPAN.findall(prose_of(page)))
