"""Money, price and quantity that cannot be misread.

Amounts are decimal text on every wire: ASCII digits, no exponent, no NaN, no float. Money has exactly the
decimals of its currency (ISO 4217), a price may have more, and rounding happens in one named place.
"""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Annotated, Self

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr

from crossdock.kit.currencies import MINOR_UNITS

PRICE_DECIMALS_MAX = 6
QUANTITY_DECIMALS_MAX = 6
MICRO = 1_000_000

_AMOUNT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?")
_QUANTITY = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?")
_UNIT = re.compile(r"[A-Z0-9]{1,8}")

Amount = Annotated[str, Meta(pattern=r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?$", examples=["12.50"])]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]
QuantityText = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$", examples=["2"])]
Unit = Annotated[str, Meta(pattern="^[A-Z0-9]{1,8}$", examples=["EA"])]


def _scale(currency: str) -> int:
    try:
        return MINOR_UNITS[currency]
    except KeyError:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency") from None


def _padded(text: str, decimals: int) -> str:
    """`text` with at least `decimals` decimals and no superfluous zeros beyond them; no minus zero."""
    if decimals and text[-decimals - 1 : -decimals] == "." and text[0] != "-":
        return text  # as nearly every amount is written
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    if whole.startswith("-") and not whole.strip("-0") and not fraction.strip("0"):
        whole = whole[1:]
    return f"{whole}.{fraction}" if fraction else whole


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount of one currency, in exactly the currency's decimals: `Money("12.50", "EUR")`.

    Raises ValueError (msgspec turns it into a ValidationError with the path) for anything else.
    """

    amount: Amount
    currency: Currency

    def __post_init__(self) -> None:
        if not _AMOUNT.fullmatch(self.amount):
            raise ValueError(f"{self.amount[:24]!r} is not a decimal amount")
        scale = _scale(self.currency)
        text = _padded(self.amount, scale)
        if len(text.partition(".")[2]) > scale:
            raise ValueError(f"{self.currency} has {scale} decimals, {self.amount!r} has more")
        if text is not self.amount:
            force_setattr(self, "amount", text)

    @classmethod
    def of(cls, value: Decimal, currency: str) -> Self:
        """`value` rounded half up to the currency's decimals: the one place where money is rounded.

        Raises ValueError for what is no amount: NaN, infinity, more than fifteen digits.
        """
        quantum = Decimal(1).scaleb(-_scale(currency))
        try:
            rounded = value.quantize(quantum, ROUND_HALF_UP)
        except InvalidOperation:
            raise ValueError(f"{value} is not an amount of {currency}") from None
        return cls(f"{rounded:f}", currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in that currency."""
        return cls("0", currency)

    @property
    def decimal(self) -> Decimal:
        """The amount as a Decimal."""
        return Decimal(self.amount)

    @property
    def minor_units(self) -> int:
        """The amount in the currency's smallest unit (cents)."""
        return int(self.amount.replace(".", ""))

    def __add__(self, other: "Money") -> "Money":
        return Money.of(self.decimal + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money.of(self.decimal - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money.of(-self.decimal, self.currency)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other.decimal


class Price(msgspec.Struct, frozen=True):
    """A price per unit: like Money, but with up to six decimals, as price lists have them."""

    amount: Amount
    currency: Currency

    def __post_init__(self) -> None:
        if not _AMOUNT.fullmatch(self.amount):
            raise ValueError(f"{self.amount[:24]!r} is not a decimal amount")
        text = _padded(self.amount, _scale(self.currency))
        if text is not self.amount:
            force_setattr(self, "amount", text)

    @property
    def decimal(self) -> Decimal:
        """The amount as a Decimal."""
        return Decimal(self.amount)

    def times(self, quantity: "Quantity") -> Money:
        """The price of so many, rounded half up to money."""
        return Money.of(self.decimal * quantity.decimal, self.currency)


class Quantity(msgspec.Struct, frozen=True):
    """So many of a unit (UN/ECE Recommendation 20 code or the ERP's own), never negative."""

    value: QuantityText
    unit: Unit = "EA"

    def __post_init__(self) -> None:
        if not _QUANTITY.fullmatch(self.value):
            raise ValueError(f"{self.value[:24]!r} is not a quantity")
        if not _UNIT.fullmatch(self.unit):
            raise ValueError(f"{self.unit[:24]!r} is not a unit")
        if "." in self.value:
            force_setattr(self, "value", _padded(self.value, 0))

    @classmethod
    def of(cls, value: Decimal | int, unit: str = "EA") -> Self:
        """From a number. Raises ValueError where it is negative or has more than six decimals."""
        return cls(f"{value:f}" if isinstance(value, Decimal) else str(value), unit)

    @classmethod
    def from_micro(cls, micro: int, unit: str = "EA") -> Self:
        """From whole millionths, as ledgers store them."""
        return cls.of(Decimal(micro).scaleb(-QUANTITY_DECIMALS_MAX), unit)

    @property
    def decimal(self) -> Decimal:
        """The value as a Decimal."""
        return Decimal(self.value)

    @property
    def micro(self) -> int:
        """The value in whole millionths: exact, and an integer for every database."""
        whole, _, fraction = self.value.partition(".")
        if not fraction:
            return int(whole) * MICRO
        return int(whole + fraction.ljust(QUANTITY_DECIMALS_MAX, "0"))
