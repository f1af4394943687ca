"""A position survives storage, and one that does not make sense is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.adapters.salesforce import soql
from crossdock.adapters.salesforce.limits import parse_usage
from crossdock.adapters.salesforce.position import TopicPosition, decode_position, encode_position
from crossdock.adapters.salesforce.settings import OrderFields
from crossdock.ports.usage import ApiUsage

TOPICS = st.dictionaries(
    st.sampled_from(["/data/OrderChangeEvent", "/event/Order_Submitted__e"]),
    st.builds(TopicPosition, st.binary(max_size=32), st.integers(0, 2**62)),
)


@given(TOPICS)
def test_a_position_reads_back_as_it_was(topics: dict[str, TopicPosition]) -> None:
    assert decode_position(encode_position(topics)) == topics


def test_no_position_means_nothing_was_seen() -> None:
    assert decode_position("") == {}


@pytest.mark.parametrize(
    "text", ["x", "{}x", '{"topics":{"t":[1,2]}}', '{"version":2}', "[1]", '{"topics":' * 9_000]
)
def test_a_position_that_is_not_ours_is_noticed(text: str) -> None:
    with pytest.raises(ValueError, match="stored position"):
        decode_position(text)


@given(st.text())
def test_a_literal_cannot_break_out_of_its_quotes(text: str) -> None:
    literal = soql.text(text)
    inner = literal[1:-1].replace("\\\\", "").replace("\\'", "")
    assert "'" not in inner
    assert not inner.endswith("\\")


def test_times_are_rounded_outwards() -> None:
    instant = 1_767_225_600_500_000
    assert soql.second_before(instant) == "2026-01-01T00:00:00Z"
    assert soql.second_after(instant) == "2026-01-01T00:00:01Z"
    assert soql.second_after(1_767_225_600_000_000) == "2026-01-01T00:00:00Z"


def test_submitted_is_what_the_deployment_says() -> None:
    assert soql.is_submitted(OrderFields()) == "(Submitted__c = true OR Status IN ('Activated'))"
    assert soql.is_submitted(OrderFields(submitted="")) == "(Status IN ('Activated'))"
    assert soql.is_submitted(OrderFields(statuses=())) == "(Submitted__c = true)"


@pytest.mark.parametrize(
    ("header", "usage"),
    [
        ("api-usage=18/5000", ApiUsage(18, 5_000, 7)),
        ("api-usage=5001/5000; per-app-api-usage=17/250(appName=sample)", ApiUsage(5_001, 5_000, 7)),
        ("per-app-api-usage=17/250(appName=sample)", None),
        ("", None),
        ("api-usage=many/5000", None),
    ],
)
def test_the_allowance_is_read_from_the_header(header: str, usage: ApiUsage | None) -> None:
    assert parse_usage(header, 7) == usage


def test_an_overdrawn_allowance_leaves_nothing() -> None:
    assert ApiUsage(5_001, 5_000, 7).remaining == 0
