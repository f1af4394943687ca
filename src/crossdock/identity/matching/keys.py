"""Who is worth comparing: many cheap compound keys, each a signed 64-bit number that is the same on every machine.

Two records are candidates for one another if they share a key. No key has to be right for every pair, since a pair
needs only one of them; and none has to be rare, since the caller leaves out keys that too many records share.
An atom (a word, a
phonetic code, a date) is hashed once with BLAKE2b; a key is a mix of atoms, reckoned alike on whole arrays
(bulk: `key_columns`) and on a single record (online).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Any

import msgspec

from crossdock.identity.matching.record import Features, Kind

KEYS_VERSION = 4
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
    "family_initial": lambda record: _last(record.family)[:1],
    "family_end": lambda record: _last(record.family)[-4:],
    "names": lambda record: " ".join(sorted({_first(record.given), _last(record.family)})) if record.given else "",
    "all_names": lambda record: " ".join(sorted({*record.given, *record.family})) if len(record.given) > 1 else "",
    "home": lambda record: record.places[0].postcode if record.places else "",
    "birth": lambda record: record.birth,
    "birth_year": lambda record: record.birth[:4],
    "birth_day": lambda record: "" if record.birth[4:] in {"", "0000", "0101"} else record.birth[4:],
    "birth_month": lambda record: "" if record.birth[4:] in {"", "0000", "0101"} else record.birth[:6],
    "birth_sorted": lambda record: "".join(sorted(record.birth)),
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
    "alias": lambda record: record.aliases,
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
    "alias.last": lambda alias: _last(tuple(alias.split())),
    "alias.words": lambda alias: " ".join(sorted(set(alias.split()))),
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
        *("email.local", "names birth_year", "names birth_day", "names place.city", "all_names"),
        *("names place.house", "birth place.postcode", "birth place.house", "family_sound birth_month"),
        *("family_sound birth_day", "root birth_sorted", "given3 family3 birth_year", "root place.postcode"),
        *("family_sound initial place.postcode", "family_end root place.area", "given3 family3 place.area"),
        *("place.street place.house given3", "place.street4 place.house family3", "place.street family_sound"),
        *("place.more family_sound", "place.street place.more", "place.more given3", "place.house place.city"),
        *("place.street place.city", "place.more place.house", "place.more place.postcode"),
        *("place.more place.city", "place.street4 place.house place.area", "place.street4 place.postcode"),
        *("family_first given", "root family", "root family_sound", "given_sound family_sound"),
        *("root extra", "family_sound extra", "birth extra", "home extra birth_year", "home extra initial"),
        *("root extra birth_year", "home birth_year initial"),
        *("swap: given place.postcode", "swap: family place.postcode", "swap3: given3 place.area place.house"),
        *("swap3: family3 place.area place.house", "swapb: given birth_sorted", "swapb: family birth_sorted"),
        *("swapi: initial birth", "swapi: family_initial birth", "birth", "family_sound initial place.city"),
        # Where one name is all there is, nobody says which it is.
        *("swapx: given extra", "swapx: family extra", "swapy: given birth_year", "swapy: family birth_year"),
        *("family3 extra", "home extra", "birth_day place.area", "birth_month place.area"),
    ),
    *_keys(
        "organisation",
        *("organisation_words", "organisation_two place.city", "organisation_first place.postcode"),
        *("organisation_sound place.area", "organisation_sound place.city", "organisation_sound"),
        *("organisation_first place.street", "organisation_first place.area", "organisation5 place.postcode"),
        *("organisation5 phone.start", "email.domain", "place.street place.house place.postcode"),
        *("place.street place.house place.city", "organisation_words extra"),
    ),
    # Another name meets names, and other names.
    Key(("root", "alias.last"), "person", "root family"),
    Key(("alias.words",), "organisation", "organisation_words"),
)
"""One list for online and bulk. Its words are part of every stored key: append, or index anew."""

SEEDS = tuple(atom(f"{key.kind or ''}|{key.label or ' '.join(key.parts)}") for key in KEYS)


_PARTS: dict[Kind, frozenset[str]] = {
    kind: frozenset(part for key in KEYS if key.kind in {None, kind} for part in key.parts)
    for kind in ("person", "organisation")
}
_SINGLES = {
    kind: tuple((place, take) for place, (name, take) in enumerate(ATOMS.items()) if name in parts)
    for kind, parts in _PARTS.items()
}
_VALUES_OF = {
    kind: {
        group: tuple(name for name in VALUES if name.partition(".")[0] == group and name in parts)
        for group in GROUPS
    }
    for kind, parts in _PARTS.items()
}
"""Of the atoms those that keys of a kind are made of."""
_GROUPS = {
    kind: tuple((take, tuple(VALUES[name] for name in _VALUES_OF[kind][group])) for group, take in GROUPS.items())
    for kind in _PARTS
}


@lru_cache(maxsize=512)
def _plan(kind: Kind, counts: tuple[int, ...]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """For records with so many values in each list: each key's seed, and the places of its atoms."""
    place = {name: number for number, name in enumerate(ATOMS)}
    starts: dict[str, int] = {}
    size = len(ATOMS)
    for group, count in zip(GROUPS, counts, strict=True):
        starts[group] = size
        size += count * len(_VALUES_OF[kind][group])
    held = dict(zip(GROUPS, counts, strict=True))
    rows: list[tuple[int, tuple[int, ...]]] = []
    for seed, key in zip(SEEDS, KEYS, strict=True):
        if key.kind not in {None, kind}:
            continue
        singles = [place[part] for part in key.parts if part in ATOMS]
        values = _VALUES_OF[kind].get(key.group, ())
        several = [values.index(part) for part in key.parts if part not in ATOMS]
        for number in range(held[key.group] if key.group else 1):
            start = starts[key.group] + number * len(values) if key.group else 0
            rows.append((seed, (*singles, *(start + value for value in several))))
    return tuple(rows)


_LANE_BYTES = 16
_LANE_BITS = 8 * _LANE_BYTES
"""In a lane the product of two 64-bit numbers finds room."""


class _Mixing:
    """All keys of records of one shape, mixed together: each has a lane in one long number.

    Python reckons with long numbers at the speed of C, and with a hundred short ones at its own.
    """

    __slots__ = ("_cut", "_into", "_mask", "_rounds", "_seeds", "_size", "_step")

    def __init__(self, rows: Sequence[tuple[int, tuple[int, ...]]]) -> None:
        self._size = _LANE_BYTES * len(rows)
        self._into = Struct("<" + "Q8x" * len(rows))
        self._cut = Struct("<" + "q8x" * len(rows))
        self._mask = self._lanes([_MASK] * len(rows))
        self._step = self._lanes([0x9E3779B97F4A7C15] * len(rows))
        self._seeds = self._lanes([seed for seed, _ in rows])
        self._rounds = []
        for turn in range(max((len(places) for _, places in rows), default=0)):
            # Where a key has no more atoms, any will do: what comes of it is dropped again.
            taken = [places[turn] if turn < len(places) else 0 for _, places in rows]
            kept = self._lanes([_MASK if turn < len(places) else 0 for _, places in rows])
            self._rounds.append((taken, kept))

    def _lanes(self, numbers: Sequence[int]) -> int:
        return int.from_bytes(self._into.pack(*numbers), "little")

    def keys(self, atoms: Sequence[int]) -> tuple[int, ...]:
        """The keys as signed numbers."""
        mask, step, state = self._mask, self._step, self._seeds
        for taken, kept in self._rounds:  # the finaliser of splitmix64, after each atom
            mixed = ((state ^ self._lanes([atoms[place] for place in taken])) + step) & mask
            mixed = ((mixed ^ ((mixed >> 30) & mask)) * 0xBF58476D1CE4E5B9) & mask
            mixed = ((mixed ^ ((mixed >> 27) & mask)) * 0x94D049BB133111EB) & mask
            mixed ^= (mixed >> 31) & mask
            state ^= (state ^ mixed) & kept
        return self._cut.unpack(state.to_bytes(self._size, "little"))


@lru_cache(maxsize=4_096)
def _mixing(kind: Kind, counts: tuple[int, ...], known: bytes) -> _Mixing:
    """For those keys whose atoms are all known: `known` has a byte per atom."""
    return _Mixing([row for row in _plan(kind, counts) if all(known[place] for place in row[1])])


def keys_of(record: Features) -> tuple[int, ...]:
    """The keys of one record, each once: signed 64-bit integers."""
    kind = record.kind
    atoms = [0] * len(ATOMS)
    for place, take in _SINGLES[kind]:
        if text := take(record):
            atoms[place] = atom(text)
    counts = []
    for take_all, parts in _GROUPS[kind]:
        values = take_all(record)
        counts.append(len(values))
        for value in values:
            atoms += [atom(part(value)) for part in parts]
    return tuple(dict.fromkeys(_mixing(kind, tuple(counts), bytes(map(bool, atoms))).keys(atoms)))
