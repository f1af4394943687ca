"""A name says what a thing is for; some words never do (STYLE.md)."""

import ast
import re
from pathlib import PurePosixPath

from tests.architecture.tree import files, held, nodes, python

EMPTY_WORDS = frozenset({"manager", "helper", "util", "service", "handler", "data", "info", "base", "common"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def empty_words(name: str) -> list[str]:
    """The words in a name, in either case style, that say nothing."""
    return [
        word
        for word in _WORD.findall(name)
        if word.lower() in EMPTY_WORDS or word.lower().removesuffix("s") in EMPTY_WORDS
    ]


def test_no_module_and_no_folder_of_code_has_an_empty_name() -> None:
    found: dict[str, list[str]] = {}
    for path in files():
        if PurePosixPath(path).suffix in {".py", ".pyi"}:
            said = [word for part in PurePosixPath(path).with_suffix("").parts for word in empty_words(part)]
            if said:
                found[path] = [f"`{word}` in its name" for word in said]
    held("names", found)


def test_no_class_has_an_empty_name() -> None:
    found: dict[str, list[str]] = {}
    for path in python():
        for node in nodes(path):
            if isinstance(node, ast.ClassDef) and empty_words(node.name):
                found.setdefault(path, []).append(f"class {node.name}")
    assert not found


def test_the_rule_reads_words_and_not_letters() -> None:
    assert empty_words("OrderManager") == ["Manager"]
    assert empty_words("reference_data") == ["data"]
    assert empty_words("HTTPHandlers") == ["Handlers"]
    assert empty_words("database") == empty_words("Basement") == empty_words("Dataset") == []
