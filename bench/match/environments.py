"""Where the peers' libraries live: made as bench/peers makes its environments, from pinned versions."""

import os
from pathlib import Path

from bench.peers.environments import Unobtainable, python_with

__all__ = ["Unobtainable", "python_of", "surroundings"]

ROOT = Path(__file__).parents[2]
PINNED = Path(__file__).parent / "peers" / "pinned"


def python_of(name: str) -> Path:
    """The interpreter of the environment with `peers/pinned/<name>.txt`. Raises Unobtainable."""
    return python_with(name, PINNED)


def surroundings() -> dict[str, str]:
    """The environment variables under which a program of ours finds its modules."""
    source = [str(ROOT), str(ROOT / "src")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(source)}
