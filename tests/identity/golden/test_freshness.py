"""What an owner said is as fresh as the last word of its feed, and never fresher than that."""

from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.contributions import Held, HeldRecord
from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.freshness import FieldFreshness, feeds_of, freshness_of
from crossdock.identity.golden.ownership import Ownership, Rule
from crossdock.identity.golden.survivorship import golden
from crossdock.kit.clock import seconds_to_us

OWNED = Rule(rule="owner", owner="erp", readers=("crm",))
OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, OWNED)
    | {Domain.CREDIT: Rule(rule="owner", owner="erp", readers=("crm",), fresh_within_seconds=60)}
)
NOW = seconds_to_us(1_000)


def record(*fields: str, at_seconds: int) -> HeldRecord:
    at = seconds_to_us(at_seconds)
    held = {
        name: Held(field=name, said="x", said_at=at, counted_at=at, arrived_at=at, sequence=1) for name in fields
    }
    return HeldRecord(reference=ExternalReference("erp", "party", "1"), fields=held)


def ask(heard_seconds: int | None, said_seconds: int) -> list[FieldFreshness]:
    heard = {} if heard_seconds is None else {"erp": seconds_to_us(heard_seconds)}
    values = golden([record("credit.status", "terms.code", at_seconds=said_seconds)], OWNERSHIP, NOW)
    return freshness_of(values, OWNERSHIP, heard, NOW)


def test_only_what_has_to_be_fresh_is_told() -> None:
    assert [each.unit for each in ask(990, 990)] == ["credit.status"]


def test_an_old_word_is_confirmed_by_whatever_its_feed_brought_since() -> None:
    (old,) = ask(None, 10)
    assert (old.age_seconds, old.fresh) == (990, False)
    (confirmed,) = ask(970, 10)
    assert (confirmed.age_seconds, confirmed.fresh, confirmed.within_seconds) == (30, True, 60)
    (just_said,) = ask(10, 995)
    assert (just_said.age_seconds, just_said.fresh) == (5, True)


def test_a_feed_that_was_never_heard_is_not_fresh() -> None:
    (feed,) = feeds_of(OWNERSHIP, {}, NOW)
    assert (feed.rule, feed.system, feed.age_seconds, feed.fresh) == ("domains.credit", "erp", None, False)
    (feed,) = feeds_of(OWNERSHIP, {"erp": seconds_to_us(939)}, NOW)
    assert (feed.age_seconds, feed.fresh) == (61, False)
    (feed,) = feeds_of(OWNERSHIP, {"erp": seconds_to_us(940)}, NOW)
    assert feed.fresh
