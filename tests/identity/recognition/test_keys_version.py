"""Whoever changes keys or features counts up KEYS_VERSION, so that hubs index what they know anew."""

from hashlib import blake2b

from crossdock.durable.codec import encode
from crossdock.identity.matching.keys import KEYS_VERSION, keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.record import PostalAddress, Profile, Reference

PEOPLE = [
    Profile(
        kind="person",
        given="Анна-Maria",
        middle="J.",
        family="van der Mühlen",
        birth_date="17.05.1980",
        country="DE",
        emails=("Anna.Muehlen+shop@googlemail.com",),
        verified_emails=("Anna.Muehlen+shop@googlemail.com",),
        phones=("0171 5551234", "+49 30 123456"),
        addresses=(PostalAddress(lines=("Lindenstr. 12 b", "c/o Huber"), postcode="80331", city="München"),),
        loyalty_ids=("L-0815",),
        customer_numbers=("10023",),
        references=(Reference("shop/Customer", "77"),),
    ),
    Profile(
        kind="organisation",
        organisation="Meyer-Bau Gesellschaft mit beschränkter Haftung",
        registration="HRB 12345",
        country="DE",
        phones=("089 123456",),
        tax_ids=("DE136695976",),
        addresses=(PostalAddress(lines=("Goethestraße 1",), postcode="10625", city="Berlin"),),
    ),
]
DIGEST = "15d14928746a0bf4"


def test_keys_and_features_are_those_of_their_version() -> None:
    features = [features_of(one) for one in PEOPLE]
    content = encode([features, [sorted(keys_of(one)) for one in features]])
    made = blake2b(content, digest_size=8).hexdigest()
    assert (KEYS_VERSION, made) == (4, DIGEST), "count up KEYS_VERSION, and put down both here"
