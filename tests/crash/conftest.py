"""A table of what was killed where, after the tests."""

import pytest
from tests.crash.table import DEATHS, table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if DEATHS:
        terminalreporter.section("killed where")
        terminalreporter.write_line(table())
