"""Virtual loops that leave nothing behind."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from crossdock.rehearsal.loop import VirtualLoop

Play = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    assert loop.faults == []
    loop.bury()


@pytest.fixture
def play(loop: VirtualLoop) -> Play:
    """Run something to its end, in virtual time."""
    return loop.run_until_complete
