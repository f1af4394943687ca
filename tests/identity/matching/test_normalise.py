"""Whatever a source writes is read: what says the same becomes the same, and nothing is too strange."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.normalise import features_of
from crossdock.identity.matching.normalise.addresses import place_of
from crossdock.identity.matching.normalise.dates import date_of
from crossdock.identity.matching.normalise.emails import email_of
from crossdock.identity.matching.normalise.names import family_of, root_of, split_full_name, tokens_of
from crossdock.identity.matching.normalise.organisations import organisation_of, registration_of
from crossdock.identity.matching.normalise.phones import _parsed, phone_of, simply_parsed
from crossdock.identity.matching.normalise.tax_ids import tax_id_of
from crossdock.identity.matching.normalise.text import fold
from crossdock.identity.matching.record import PostalAddress, Profile, Reference

ANYTHING = st.text(max_size=60) | st.from_regex(r"[0-9+./\-: @a-zA-ZÄöß]{0,30}", fullmatch=True)
MANY = st.lists(ANYTHING, max_size=3).map(tuple)
ADDRESSES = st.builds(
    PostalAddress, lines=MANY, house=ANYTHING, postcode=ANYTHING, city=ANYTHING, region=ANYTHING, country=ANYTHING
)
PROFILES = st.builds(
    Profile,
    kind=st.sampled_from(["person", "organisation"]),
    given=ANYTHING,
    middle=ANYTHING,
    family=ANYTHING,
    name=ANYTHING,
    organisation=ANYTHING,
    legal_form=ANYTHING,
    registration=ANYTHING,
    birth_date=ANYTHING,
    country=ANYTHING | st.sampled_from(["DE", "US", "FR", "XX"]),
    emails=MANY,
    verified_emails=MANY,
    phones=MANY,
    addresses=st.lists(ADDRESSES, max_size=2).map(tuple),
    tax_ids=MANY,
    loyalty_ids=MANY,
    customer_numbers=MANY,
    references=st.lists(st.builds(Reference, system=ANYTHING, value=ANYTHING), max_size=2).map(tuple),
    extra=st.lists(st.tuples(ANYTHING, ANYTHING), max_size=2).map(tuple),
)


@given(PROFILES)
def test_no_text_is_too_strange(profile: Profile) -> None:
    features = features_of(profile)
    assert features == features_of(profile)
    assert not features.birth or (
        len(features.birth) == 8 and features.birth.isascii() and features.birth.isdigit()
    )
    assert all(-(1 << 63) <= key < 1 << 63 for key in keys_of(features))


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Müller-Lüdenscheidt", "muller ludenscheidt"),
        ("  O\u2019Neil ", "oneil"),
        ("ŁUKASZ  Straße", "lukasz strasse"),
        ("Достоевский", "dostoevskii"),
        ("Παπαδόπουλος", "papadopoylos"),
        ("李小龙", "李小龙"),
    ],
)
def test_scripts_become_plain_letters(written: str, read: str) -> None:
    assert fold(written) == read


def test_titles_particles_and_nicknames_do_not_part_people() -> None:
    assert tokens_of("Herr Prof. Dr. Hans-Peter") == ("hans", "peter")
    assert family_of("van der Berg") == ("berg",)
    assert family_of("von") == ("von",)
    assert root_of(("bob",)) == root_of(("robert",)) == root_of(("roberto",)) == "robert"
    assert split_full_name("Vogt, Anna Maria") == (("anna", "maria"), ("vogt",))
    assert split_full_name("Ludwig van Beethoven") == (("ludwig",), ("beethoven",))
    assert split_full_name("VAN DEN BERG SANNE") == (("sanne",), ("berg",))
    assert tokens_of("N/A") == tokens_of("unknown") == ()


@pytest.mark.parametrize(
    ("facts", "generation"),
    [
        ({"family": "Brown Jr"}, "2"),
        ({"name": "Brown Jr., Jeffrey"}, "2"),
        ({"given": "Morris II"}, "2"),
        ({"given": "Morris I"}, "1"),
        ({"given": "Robert", "middle": "E", "family": "Smith Sr"}, "1"),
        ({"family": "Huber jun."}, "2"),
        ({"name": "Alexandre Dumas père"}, "1"),
        ({"given": "George", "suffix": "III"}, "3"),
        ({"given": "Sr. Juan"}, ""),
        ({"given": "Pere", "family": "Sen", "suffix": "PhD"}, ""),
        ({"name": "Amartya Kumar Sen"}, ""),
        ({"kind": "organisation", "organisation": "Huber Senior"}, ""),
    ],
)
def test_what_stands_behind_a_name_tells_the_generation(facts: dict[str, str], generation: str) -> None:
    assert features_of(Profile(**facts)).generation == generation  # type: ignore[arg-type]


def test_a_mark_of_generation_is_no_part_of_the_name() -> None:
    assert features_of(Profile(name="Alexandre Dumas fils")).family == ("dumas",)
    assert features_of(Profile(family="Huber jun.")).family == ("huber",)


def test_other_names_are_told_apart_or_stand_in_the_name() -> None:
    said = Profile(family="Huber (geb. Schmidt)", other_names=("von Maier",))
    assert features_of(said).aliases == ("maier", "schmidt")
    assert features_of(said).family == ("huber",)
    company = features_of(Profile(kind="organisation", organisation="Vogt GmbH t/a Snack & Bar"))
    assert (company.organisation, company.aliases) == ("vogt", ("snack bar",))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("J.Doe+shop@GoogleMail.com", "jdoe@gmail.com"),
        ("<anna.vogt@firma.de>", "anna.vogt@firma.de"),
        ('"Anna Vogt" <anna.vogt@firma.de>', "anna.vogt@firma.de"),
        ("o'neil@firma.ie", "o'neil@firma.ie"),
        ("jürgen@bücher.de", "jürgen@xn--bcher-kva.de"),
        ("noemail@firma.de", ""),
        ("anna..vogt@firma.de", ""),
        ("anna@-firma.de", ""),
        ("anna@firma", ""),
        ("@", ""),
        ("a" * 65 + "ü@firma.de", ""),
    ],
)
def test_an_email_is_the_mailbox_behind_it(written: str, read: str) -> None:
    assert email_of(written) == read


@pytest.mark.parametrize(
    ("written", "country", "read"),
    [
        ("030 / 123 45 67", "DE", "+49301234567"),
        ("+49 (0)30 1234567", "", "+49301234567"),
        ("702-919-1300", "US", "+17029191300"),
        ("07400 123456", "GB", "+447400123456"),
        ("035 1234567", "IT", "+390351234567"),
        ("351 234567", "IT", "+39351234567"),
        ("0301234567", "", "301234567"),
        ("000000000", "DE", ""),
        ("call me", "DE", ""),
    ],
)
def test_a_phone_number_is_what_the_world_dials(written: str, country: str, read: str) -> None:
    assert phone_of(written, country) == read


@pytest.mark.parametrize(
    ("written", "country", "read"),
    [
        ("1978-12-11", "", "19781211"),
        ("19781211", "", "19781211"),
        ("12/11/1978", "US", "19781211"),
        ("12/11/1978", "DE", "19781112"),
        ("3/31/1954", "", "19540331"),
        ("31. März 1954", "DE", "19540331"),
        ("2 Feb 61", "GB", "19610202"),
        ("1954", "", "19540000"),
        ("1856-87-30", "", "18568730"),
        ("1978-12-11T00:00:00Z", "", "19781211"),
        ("soon", "", ""),
    ],
)
def test_a_date_is_read_in_the_order_of_its_country(written: str, country: str, read: str) -> None:
    assert date_of(written, country) == read


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Lindenstr. 12a", "12345", "Köln"), ("Lindenstraße 12 A", "12345", "koln")),
        (("123 Main St", "89132", "Las Vegas"), ("123 Main Street", "89132", "LAS VEGAS")),
        (("12 rue de la Paix", "75002", "Paris"), ("12, r. de la Paix", "75002", "PARIS")),
        (("Calle Mayor 5", "28013", "Madrid"), ("C/ Mayor, 5", "28013", "Madrid")),
        (("Via Roma 8", "00100", "Roma"), ("V. Roma, 8", "00100", "ROMA")),
    ],
)
def test_one_address_written_twice_is_one_place(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    places = [
        place_of(PostalAddress(lines=(line,), postcode=code, city=city)) for line, code, city in (one, other)
    ]
    assert (places[0].street, places[0].house, places[0].city) == (
        places[1].street,
        places[1].house,
        places[1].city,
    )
    assert places[0].house


def test_an_address_in_one_line_is_taken_apart() -> None:
    place = place_of(PostalAddress(lines=("123 Main Street, Las Vegas NV 89132",)))
    assert (place.street, place.house, place.city, place.postcode) == ("main street", "123", "las vegas", "89132")


def test_checksums_tell_numbers_from_typing_errors() -> None:
    right = tax_id_of("DE 136 695 976")
    assert right is not None
    assert (right.value, right.country, right.valid) == ("136695976", "DE", True)
    bare = tax_id_of("136695976", "DE")
    assert bare == right
    wrong = tax_id_of("DE136695978")
    assert wrong is not None
    assert not wrong.valid
    assert tax_id_of("") is None
    assert tax_id_of("0000000") is None


@pytest.mark.parametrize(
    ("written", "name", "form"),
    [
        ("Müller & Söhne GmbH & Co. KG", "muller sohne", "partnership"),
        ("Acme Pty Ltd", "acme", "limited"),
        ("Acme Pty. Limited", "acme", "limited"),
        ("Société Générale S.A.", "societe generale", "stock"),
        ("Rossi S.r.l.", "rossi", "limited"),
        ("Kowalski Sp. z o.o.", "kowalski", "limited"),
        ("\u041e\u041e\u041e Ромашка", "romashka", "limited"),
        ("AG", "ag", ""),
        ("The Widget Company, Inc.", "widget", "stock"),
    ],
)
def test_a_company_is_known_without_its_form(written: str, name: str, form: str) -> None:
    assert organisation_of(written) == (name, form)


def test_a_registration_number_loses_its_leading_zeros() -> None:
    assert registration_of("HRB 0012345") == registration_of("hrb12345") == "HRB12345"


NUMBER = st.from_regex(r"(\+|\+49|\+1|\+39|\+7|00|0|1|49|)[0-9]{5,13}", fullmatch=True)


@given(NUMBER, st.sampled_from(["DE", "US", "IT", "FR", "MX", "AR", "BR", "RU", "GB", "SM", "XX", ""]))
def test_a_usual_number_is_read_as_the_parser_reads_it(dialled: str, country: str) -> None:
    found = simply_parsed(dialled, country)
    assert found in {"", _parsed(dialled, dialled.removeprefix("+"), country)}


@pytest.mark.parametrize(
    ("dialled", "country", "number"),
    [
        ("+4915123456789", "", "+4915123456789"),
        ("015123456789", "DE", "+4915123456789"),
        ("0612345678", "IT", "+390612345678"),
        ("2025550123", "US", "+12025550123"),
    ],
)
def test_usual_numbers_need_no_parser(dialled: str, country: str, number: str) -> None:
    assert simply_parsed(dialled, country) == number
