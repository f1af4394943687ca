"""What has to be read at once stays short."""

import ast

from tests.architecture.tree import held, nodes, python, text_of

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70


def test_no_file_is_longer_than_500_lines() -> None:
    long = {path: len(text_of(path).splitlines()) for path in python()}
    held("lines", {path: [f"{lines} lines"] for path, lines in long.items() if lines > FILE_LINES_MAX})


def test_no_function_is_longer_than_70_lines() -> None:
    long: dict[str, list[str]] = {}
    for path in python():
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.setdefault(path, []).append(f"{node.name} has {lines} lines")
    held("functions", long)
