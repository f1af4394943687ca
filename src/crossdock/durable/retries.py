"""How often a call that failed in passing is made again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how soon a call that failed in passing is made again (RES-02).

    The wait doubles from `first_wait_seconds` to `wait_seconds_max`, with a jitter of a quarter, unless the
    system named its own wait. After `attempts_max` calls the run is parked. Calls that a closed lane held
    back are no attempts.
    """

    attempts_max: int = 8
    first_wait_seconds: float = 1.0
    wait_seconds_max: float = 300.0

    def wait_seconds(self, attempts: int) -> float:
        """How long to wait after so many calls."""
        wait: float = min(self.first_wait_seconds * 2 ** max(0, attempts - 1), self.wait_seconds_max)
        return wait * (1 + random.random() / 4)  # noqa: S311 - jitter, not a secret
