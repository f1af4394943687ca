"""What was learned: how often each level occurs among matches, households and strangers, in plain numbers."""

from hashlib import blake2b

import msgspec

from crossdock.identity.matching.record import Kind

FORMAT = 2


class TermTable(msgspec.Struct, frozen=True, kw_only=True):
    """How often the frequent values of a column occur, as shares of all known values.

    `rare` stands for every value not listed, `mean` is the share that two random records agree by (the sum of
    squares). Only values that several records share are listed, so that the table names nobody.
    """

    column: str
    shares: dict[str, float]
    rare: float
    mean: float


class ComparisonModel(msgspec.Struct, frozen=True, kw_only=True):
    """The probability of each level, given that both sides have something to compare, in the three classes.

    What people decided may have moved those of matches (`decided.py`): then they need not sum to one.
    """

    name: str
    match: tuple[float, ...]
    household: tuple[float, ...]
    random: tuple[float, ...]
    terms: tuple[TermTable, ...] = ()
    alike: tuple[float, ...] = ()
    """Among strangers of one country or tongue, who are alike; empty: as `random`, which then is all strangers."""


class KindModel(msgspec.Struct, frozen=True, kw_only=True):
    """All comparisons of one kind of record, and how many of all pairs are matches or households."""

    kind: Kind
    population: int
    prior_match: float
    prior_household: float
    comparisons: tuple[ComparisonModel, ...]
    extras: tuple[str, ...] = ()
    share_alike: float = 0.0
    """The share of alike ones in strangers' pairs."""

    def rescaled(self, population: int) -> "KindModel":
        """The same for another number of records: each still has as many matches, but among more strangers."""
        factor = self.population / max(population, 2)
        return msgspec.structs.replace(
            self,
            population=max(population, 2),
            prior_match=min(0.5, self.prior_match * factor),
            prior_household=min(0.4, self.prior_household * factor),
        )


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights in bits: from `link` on, records are linked; from `review` on, a steward looks; below, new.

    Raises ValueError where `link` lies below `review`, so that no weight is in two bands.
    """

    link: float = 6.0
    review: float = -2.0

    def __post_init__(self) -> None:
        if not self.link >= self.review:
            raise ValueError("thresholds: `link` must not lie below `review`")


class Bands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The three bands of each kind of record."""

    person: Thresholds = Thresholds()
    organisation: Thresholds = Thresholds()

    def of(self, kind: Kind) -> Thresholds:
        """Those of one kind."""
        return self.person if kind == "person" else self.organisation

    def changed(self, link: float | None, review: float | None) -> "Bands":
        """The same with these, where they are told, for both kinds. Raises ValueError where they cross."""
        told = {name: bits for name, bits in (("link", link), ("review", review)) if bits is not None}
        return Bands(
            person=msgspec.structs.replace(self.person, **told),
            organisation=msgspec.structs.replace(self.organisation, **told),
        )


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A trained model; `version` is a digest of what it says, so equal models have equal versions."""

    person: KindModel
    organisation: KindModel
    format: int = FORMAT

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits."""
        return blake2b(msgspec.json.encode(self, order="deterministic"), digest_size=6).hexdigest()

    def of(self, kind: Kind) -> KindModel:
        """The part for one kind of record."""
        return self.person if kind == "person" else self.organisation

    def rescaled(self, population: int, kind: Kind | None = None) -> "Model":
        """The model for an index of `population` records of a `kind` (of both, each, where none is named)."""
        changed = {
            one: self.of(one).rescaled(population) for one in ("person", "organisation") if kind in {None, one}
        }
        return msgspec.structs.replace(self, **changed)


def encoded(model: Model) -> bytes:
    """The model as JSON."""
    return msgspec.json.format(msgspec.json.encode(model), indent=1)


def decoded(content: bytes) -> Model:
    """The model out of JSON. Raises ValueError for what is no model or one of another format."""
    model = msgspec.json.decode(content, type=Model)
    if model.format != FORMAT:
        raise ValueError(f"the model has format {model.format}, this release reads {FORMAT}: train it anew")
    return model
