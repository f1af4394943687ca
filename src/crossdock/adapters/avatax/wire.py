"""AvaTax's payloads, by its own names, as its published description has them. Unknown fields are ignored."""

import msgspec


class AddressAsked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The question (its `AddressValidationInfo`). It has no place for anybody's name."""

    textCase: str = ""  # noqa: N815 - the vendor's name
    line1: str = ""
    line2: str = ""
    line3: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    postalCode: str = ""  # noqa: N815 - the vendor's name


class AddressFound(msgspec.Struct, frozen=True, kw_only=True):
    """An address that it found (its `ValidatedAddressInfo`), or the one that was asked for where it found none.

    Then its type is `UnknownAddressType`.
    """

    line1: str
    addressType: str = ""  # noqa: N815 - the vendor's name
    line2: str = ""
    line3: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    postalCode: str = ""  # noqa: N815 - the vendor's name


class AvaTaxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What it says about an address; there is no code, the summary is all that tells one from another."""

    summary: str = ""
    refersTo: str = ""  # noqa: N815 - the vendor's name
    severity: str = ""


class AddressResolutionModel(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    validatedAddresses: tuple[AddressFound, ...] = ()  # noqa: N815 - the vendor's name
    messages: tuple[AvaTaxMessage, ...] = ()


class PingResultModel(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers, and whether it knows us."""

    version: str
    authenticated: bool


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why it refused a call."""

    code: str = ""


class RefusedCall(msgspec.Struct, frozen=True, kw_only=True):
    """Every answer that is not a success."""

    error: Refusal = Refusal()
