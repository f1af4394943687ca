"""Who is worth comparing: many cheap compound keys, each a signed 64-bit number that is the same on every machine.

Two records are candidates for one another if they share a key. No key has to be right for every pair, since a pair
needs only one of them; and none has to be rare, since the caller leaves out keys that too many records share.
An atom (a word, a
phonetic code, a date) is hashed once with BLAKE2b; a key is a mix of atoms, reckoned alike on whole arrays
(bulk) and on a single record (online).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from crossdock.identity.matching.record import Features, Kind

KEYS_VERSION = 1
"""Counted up with every change by which a record gets other features or keys: then hubs index all records anew."""


def usual_cap(records: int) -> int:
    """Up to how many of so many records may share a key: a key that more share is no key but a common name."""
    return next((cap for size, cap in _CAPS if records <= size), _CAP_OF_MILLIONS)


_CAPS = ((50_000, 200), (300_000, 100))
_CAP_OF_MILLIONS = 50

_MASK = (1 << 64) - 1


@lru_cache(maxsize=1 << 18)
def atom(text: str) -> int:
    """A text as an unsigned 64-bit number that is never 0; 0 for an empty text."""
    return (
        int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") or 1
        if text
        else 0
    )


def mixed(state: Any, number: Any) -> Any:
    """Both numbers in one, for Python's ints and for arrays of uint64 alike (the finaliser of splitmix64)."""
    state = ((state ^ number) + 0x9E3779B97F4A7C15) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)


class Key(msgspec.Struct, frozen=True):
    """What has to agree: atoms of the record, and at most one list of whose values each makes a key of its own."""

    parts: tuple[str, ...]
    kind: Kind | None = None
    label: str = ""
    """Keys with one label meet one another: one's given name another's family name."""

    @property
    def group(self) -> str:
        """The list that the key runs over, or an empty text."""
        return next((part.partition(".")[0] for part in self.parts if part.partition(".")[0] in GROUPS), "")


_SOUNDS = str.maketrans("bfpvcgjkqsxzdtlmnr", "111122222222334556")


@lru_cache(maxsize=65_536)
def sound(word: str) -> str:
    """A phonetic code in the manner of American Soundex (US 1,435,663), four digits long."""
    if not word:
        return ""
    word = word.replace(" ", "")
    coded = ["0" if letter in "aeiouyhw" else letter.translate(_SOUNDS) for letter in word]
    kept = [code for place, code in enumerate(coded) if place and code not in {"0", coded[place - 1]}]
    return word[0] + "".join(kept)[:4]


@lru_cache(maxsize=65_536)
def skeleton(word: str) -> str:
    """A word's letters without vowels, each once, sorted: what swapped letters and mistaken vowels leave alone."""
    return "".join(sorted({letter for letter in word if letter not in "aeiouyhw "})) or word


def _first(words: tuple[str, ...]) -> str:
    return words[0] if words else ""


def _last(words: tuple[str, ...]) -> str:
    return words[-1] if words else ""


ATOMS: dict[str, Callable[[Features], str]] = {
    "given": lambda record: _first(record.given),
    "root": lambda record: record.root,
    "initial": lambda record: _first(record.given)[:1],
    "given3": lambda record: _first(record.given)[:3],
    "given_sound": lambda record: sound(_first(record.given)),
    "family": lambda record: _last(record.family),
    "family_first": lambda record: _first(record.family),
    "family3": lambda record: _last(record.family)[:3],
    "family_sound": lambda record: sound(_last(record.family)),
    "family_skeleton": lambda record: skeleton(_last(record.family)),
    "family_end": lambda record: _last(record.family)[-4:],
    "names": lambda record: " ".join(sorted({_first(record.given), _last(record.family)})) if record.given else "",
    "all_names": lambda record: " ".join(sorted({*record.given, *record.family})) if len(record.given) > 1 else "",
    "home": lambda record: record.places[0].postcode if record.places else "",
    "birth": lambda record: record.birth,
    "birth_year": lambda record: record.birth[:4],
    "birth_day": lambda record: "" if record.birth[4:] in {"", "0000", "0101"} else record.birth[4:],
    "birth_month": lambda record: "" if record.birth[4:] in {"", "0000", "0101"} else record.birth[:6],
    "birth_sorted": lambda record: "".join(sorted(record.birth)),
    "organisation": lambda record: record.organisation,
    "organisation_words": lambda record: " ".join(sorted(set(record.organisation.split()))),
    "organisation_first": lambda record: _first(tuple(record.organisation.split())),
    "organisation_two": lambda record: " ".join(sorted(record.organisation.split())[:2]),
    "organisation_sound": lambda record: sound(record.organisation.replace(" ", "")[:12]),
    "organisation5": lambda record: record.organisation.replace(" ", "")[:5],
}
GROUPS: dict[str, Callable[[Features], Sequence[Any]]] = {
    "email": lambda record: record.emails,
    "phone": lambda record: record.phones,
    "place": lambda record: record.places,
    "tax_id": lambda record: record.tax_ids,
    "loyalty_id": lambda record: record.loyalty_ids,
    "customer_number": lambda record: record.customer_numbers,
    "reference": lambda record: record.references,
    "registration": lambda record: record.registrations,
    "extra": lambda record: record.extra,
}


def _itself(value: str) -> str:
    return value


VALUES: dict[str, Callable[[Any], str]] = {
    "email": _itself,
    "email.local": lambda email: local if len(local := email.rpartition("@")[0]) > 4 else "",  # noqa: PLR2004 - not `info`
    "email.domain": lambda email: email.rpartition("@")[2],
    "phone.tail": lambda phone: phone[-8:],
    "phone.start": lambda phone: phone[-9:-2],
    "place.street": lambda place: place.street,
    "place.street4": lambda place: place.street[:4],
    "place.house": lambda place: place.house,
    "place.more": lambda place: place.more,
    "place.postcode": lambda place: place.postcode,
    "place.area": lambda place: place.postcode[: max(2, len(place.postcode) - 3)],
    "place.city": lambda place: place.city,
    "tax_id": lambda tax_id: tax_id.value,
    "loyalty_id": _itself,
    "customer_number": _itself,
    "reference": _itself,
    "registration": _itself,
    "extra": "=".join,
}


def _keys(kind: Kind | None, *texts: str) -> tuple[Key, ...]:
    """Keys as text: the parts, behind an optional `label:`."""
    split = [text.rpartition(":") for text in texts]
    return tuple(Key(tuple(parts.split()), kind, label) for label, _, parts in split)


KEYS: tuple[Key, ...] = (
    *_keys(None, "email", "phone.tail", "tax_id", "loyalty_id", "customer_number", "reference", "registration"),
    *_keys(
        "person",
        *("email.local initial", "phone.start given", "names birth_year", "names birth_day", "names place.city"),
        *("names place.postcode", "all_names", "names place.house", "family root birth_month", "names extra"),
        *("family birth", "given birth", "birth place.postcode", "birth place.house", "birth initial place.area"),
        *("family_sound birth_month", "family_sound given_sound birth_year", "family_sound root place.area"),
        *("family_skeleton given_sound birth_sorted", "family_sound birth_day", "root birth_sorted"),
        *("family place.postcode", "root place.postcode", "family_sound initial place.postcode"),
        *(
            "place.street place.house place.postcode",
            "place.street place.house given3",
            "place.street4 place.house family3",
        ),
        *("place.street place.postcode given3", "place.street family_sound", "place.more family_sound"),
        *("place.street place.more", "place.house place.postcode given", "place.house place.postcode family3"),
        *("place.house place.city given3", "place.more given3", "family_end root place.area"),
        *("family extra birth_year", "root extra birth_year", "given3 family3 birth_year", "birth extra"),
        *("home extra birth_year", "home extra initial", "given3 family3 place.area"),
        *("family_first given", "place.postcode place.street4 birth_year", "root family", "root family_sound"),
        *("given_sound family_sound", "family extra", "root extra", "family_sound extra"),
        *("swap: given place.postcode", "swap: family place.postcode", "swap3: given3 place.area place.house"),
        *("swap3: family3 place.area place.house", "swapb: given birth_sorted", "swapb: family birth_sorted"),
        *(
            "place.house place.postcode",
            "place.house place.city",
            "place.street place.city",
            "place.more place.house",
        ),
        *("place.more place.postcode", "place.more place.city", "place.street4 place.house place.area"),
        *("place.street4 place.postcode", "birth initial", "home birth_year initial"),
    ),
    *_keys(
        "organisation",
        *(
            "organisation",
            "organisation_words",
            "organisation_two place.city",
            "organisation_first place.postcode",
        ),
        *(
            "organisation_sound place.area",
            "organisation_sound place.city",
            "place.street place.house place.postcode",
        ),
        *(
            "organisation_first place.street",
            "organisation5 place.postcode",
            "email.domain",
            "organisation5 phone.start",
        ),
        *(
            "organisation_first place.area",
            "organisation_sound",
            "place.street place.house place.city",
            "organisation extra",
        ),
    ),
)
"""One list for online and bulk. Its words are part of every stored key: append, or index anew."""

SEEDS = tuple(atom(f"{key.kind or ''}|{key.label or ' '.join(key.parts)}") for key in KEYS)


_VALUES_OF = {group: tuple(name for name in VALUES if name.partition(".")[0] == group) for group in GROUPS}


class _Plan(msgspec.Struct, frozen=True):
    """Which atoms of a record make which key, for records with so many values in each list.

    Keys with most parts stand first; `rounds` holds the atoms' places of all keys that have a first part, a second
    and so on. `order` leads back to the order of `KEYS`.
    """

    seeds: NDArray[np.uint64]
    rounds: tuple[NDArray[np.intp], ...]
    order: NDArray[np.intp]


@lru_cache(maxsize=512)
def _plan(kind: Kind, counts: tuple[int, ...]) -> _Plan:
    place = {name: number for number, name in enumerate(ATOMS)}
    starts: dict[str, int] = {}
    size = len(ATOMS)
    for group, count in zip(GROUPS, counts, strict=True):
        starts[group] = size
        size += count * len(_VALUES_OF[group])
    held = dict(zip(GROUPS, counts, strict=True))
    rows: list[tuple[int, list[int]]] = []
    for seed, key in zip(SEEDS, KEYS, strict=True):
        if key.kind not in {None, kind}:
            continue
        singles = [place[part] for part in key.parts if part in ATOMS]
        values = _VALUES_OF.get(key.group, ())
        several = [values.index(part) for part in key.parts if part not in ATOMS]
        for number in range(held[key.group] if key.group else 1):
            start = starts[key.group] + number * len(values) if key.group else 0
            rows.append((seed, [*singles, *(start + value for value in several)]))
    longest = sorted(range(len(rows)), key=lambda row: -len(rows[row][1]))
    depth = max((len(parts) for _, parts in rows), default=0)
    return _Plan(
        np.array([rows[row][0] for row in longest], np.uint64),
        tuple(
            np.array([rows[row][1][part] for row in longest if len(rows[row][1]) > part], np.intp)
            for part in range(depth)
        ),
        np.argsort(np.array(longest, np.intp)),
    )


def keys_of(record: Features) -> tuple[int, ...]:
    """The keys of one record, each once: signed 64-bit integers."""
    known = [atom(take(record)) for take in ATOMS.values()]
    counts = []
    for group, take in GROUPS.items():
        values = take(record)
        counts.append(len(values))
        for value in values:
            known += [atom(VALUES[name](value)) for name in _VALUES_OF[group]]
    plan = _plan(record.kind, tuple(counts))
    atoms = np.array(known, np.uint64)
    state = plan.seeds.copy()
    valid = np.ones(state.size, bool)
    for places in plan.rounds:
        numbers = atoms[places]
        valid[: places.size] &= numbers != 0
        state[: places.size] = mixed(state[: places.size], numbers)
    made, order = state.view(np.int64)[plan.order], valid[plan.order]
    return tuple(dict.fromkeys(made[order].tolist()))
