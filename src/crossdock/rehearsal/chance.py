"""Chance by name: what is drawn for one thing does not depend on what else was drawn.

So an order or a fault can be left out of a scenario, and everything else stays as it was.
"""

import hashlib
from collections.abc import Iterator
from itertools import count
from random import Random


class Chance:
    """All the randomness of one rehearsal."""

    def __init__(self, seed: int | str) -> None:
        self._seed = str(seed)
        self._ids: Iterator[int] = count(1)

    def of(self, *names: object) -> Random:
        """A generator of its own for what is named so: the same every time."""
        return Random(self._digest(names))  # noqa: S311 - a rehearsal, no secret

    def unit(self, *names: object) -> float:
        """A number from 0 to 1 for what is named so, cheaper than a generator."""
        return self._digest(names) / 2**64

    def draw_id(self) -> bytes:
        """The bytes of an id, for `kit.ids`: in the order in which they were asked for, and not guessable."""
        number = next(self._ids)
        return (
            number.to_bytes(6, "big") + hashlib.blake2s(f"{self._seed}/{number}".encode(), digest_size=10).digest()
        )

    def _digest(self, names: tuple[object, ...]) -> int:
        text = "/".join(map(str, (self._seed, *names)))
        return int.from_bytes(hashlib.blake2s(text.encode(), digest_size=8).digest(), "big")
