"""What ends an execution without being an error. BaseExceptions, so that no process swallows them."""

from crossdock.durable.records import Commit, RunState, Transition
from crossdock.kit.clock import Instant


class Suspended(BaseException):
    """The run waits as a row: for a timer, a signal or a lane. It will be executed again from the top.

    `end` is the commit that makes it so.
    """

    def __init__(self, end: Commit, *, waiting_on: str, queue: str = "", wake_at: Instant | None = None) -> None:
        super().__init__(waiting_on)
        end.transition = Transition(state=RunState.WAITING, queue=queue, wake_at=wake_at, waiting_on=waiting_on)
        self.end = end


class FenceLost(BaseException):
    """Another worker owns the run now; whatever this one still wanted to write was refused."""
