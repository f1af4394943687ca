"""How big a run is: the sizes for a change, for a night and for a release."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from bench.crash.mutants import Mutant
from bench.crash.proxy import STORMY, Rates

BEGINNING_SECONDS_MAX = 60.0
Store = Literal["sqlite", "postgres"]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run: its load, and how much goes wrong at least.

    A hub dies `deaths_each` times at each of `places` (none: at every failpoint), where it passes it after up to
    `spared_max` times; `passes_each` is how often at least `places_min` of them must have been passed in all.
    `patient`: it is left alone until it comes there. `look_up_only`: the ERP takes a second order under a
    reference without a word. Counts end a storm, not the clock: `storm_seconds_max` is for what hangs,
    and `limit_seconds` for the whole (0: what its parts may take together). `people`: so many customers come in,
    with companies beside them; without any the hub keeps none.
    """

    store: Store
    orders: int
    hubs: int
    people: int = 0
    look_up_only: bool = True
    deaths: int = 0
    deaths_each: int = 1
    passes_each: int = 3
    places_min: int = 40
    places: tuple[str, ...] = ()
    spared_max: int = 8
    patient: bool = False
    ends: Literal["dies", "stalls"] = "dies"
    server_kills: int = 0
    cuts: int = 0
    cut_seconds_max: float = 2.0
    ailments: bool = True
    buyers: int = 50
    rates: Rates = STORMY
    storm_seconds_max: float = 600.0
    converge_seconds_max: float = 60.0
    recovery_seconds_max: float = 10.0
    limit_seconds: float = 0.0
    mutant: Mutant = ""
    seed: int = 1

    @property
    def seconds_max(self) -> float:
        """After so long it says what hangs, and fails."""
        return self.limit_seconds or self.storm_seconds_max + self.converge_seconds_max + BEGINNING_SECONDS_MAX


SIZES: Mapping[str, Sequence[Plan]] = {
    "change": (
        Plan(store="sqlite", orders=100, hubs=1, people=12, deaths=20, cuts=5),
        Plan(store="postgres", orders=200, hubs=2, people=24, deaths=35, server_kills=5, cuts=15),
    ),
    "night": (
        Plan(
            store="sqlite",
            orders=5_000,
            hubs=1,
            people=300,
            deaths=500,
            deaths_each=6,
            passes_each=50,
            cuts=100,
            cut_seconds_max=10.0,
            buyers=200,
            storm_seconds_max=3_600,
        ),
        Plan(
            store="postgres",
            orders=15_000,
            hubs=3,
            people=600,
            deaths=1_500,
            deaths_each=18,
            passes_each=50,
            server_kills=200,
            cuts=400,
            cut_seconds_max=10.0,
            buyers=200,
            storm_seconds_max=3 * 3_600,
        ),
    ),
    "release": (
        Plan(
            store="sqlite",
            orders=20_000,
            hubs=1,
            people=1_000,
            deaths=2_000,
            deaths_each=24,
            passes_each=200,
            cuts=100,
            cut_seconds_max=30.0,
            buyers=200,
            storm_seconds_max=6 * 3_600,
        ),
        Plan(
            store="postgres",
            orders=80_000,
            hubs=4,
            people=4_000,
            deaths=8_000,
            deaths_each=92,
            passes_each=200,
            server_kills=1_000,
            cuts=400,
            cut_seconds_max=30.0,
            buyers=200,
            storm_seconds_max=24 * 3_600,
        ),
    ),
}
"""By the occasion. Orders add up to 300, 20,000 and 100,000, people to 36, 900 and 5,000, deaths to 55, 2,000 and
10,000."""
