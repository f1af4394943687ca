"""How often a call that failed in passing is made again."""

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
