"""A statement about a party keeps apart what is empty and what is not said."""

import msgspec
import pytest

from crossdock.canonical.party import Consent, Contact, Party, PostalAddress, ShippingProfile


def wire(party: Party) -> dict[str, object]:
    content: dict[str, object] = msgspec.json.decode(msgspec.json.encode(party))
    return content


def test_what_is_not_said_is_absent_and_what_is_empty_is_null() -> None:
    assert wire(Party(contact=Contact(email=None, phone="+49 30 1"))) == {
        "contact": {"email": None, "phone": "+49 30 1"}
    }
    assert wire(Party()) == {}


def test_a_statement_survives_the_wire() -> None:
    party = Party(
        kind="person",
        shipping={"default": ShippingProfile(address=PostalAddress(city=None, lines=("Straße 1",)))},
        consents={"email-marketing": Consent(status="opt_out")},
    )
    assert msgspec.json.decode(msgspec.json.encode(party), type=Party) == party


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b'{"contact": {"email": ""}}', "$.contact.email"),
        (b'{"consents": {"E Mail": {}}}', "key"),
        (b'{"shipping": {"default": {"address": {"country": "Germany"}}}}', "$.shipping[...].address.country"),
        (b'{"credit": {"limit": {"amount": 1.5}}}', "$.credit.limit.amount"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(content: bytes, path: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=path.replace("$", r"\$").replace("[...]", r"\[...\]")):
        msgspec.json.decode(content, type=Party)
