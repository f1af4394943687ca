"""The availability ledger: nothing is promised twice, nothing held is lost, on both databases."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from tests.storage.rows import NOW

from crossdock.durable.records import Effect
from crossdock.kit.errors import Unsupported
from crossdock.stock.holds import (
    ConsumeStock,
    CountStock,
    Held,
    HoldStock,
    ReleaseStock,
    Shortage,
    StockCount,
    Wanted,
)
from crossdock.storage.effects import APPLIERS, apply_effects
from crossdock.storage.schema import METADATA
from crossdock.storage.transaction import PostgresTransaction, SqliteTransaction, Transaction

PRODUCTS, PLACES, KEYS, LINES = ("P", "Q"), ("W1", "W2"), ("a", "b", "c"), ("1", "2")


@contextmanager
def on_sqlite(_request: pytest.FixtureRequest) -> Iterator[Transaction]:
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        yield SqliteTransaction(raw)


@contextmanager
def on_postgres(request: pytest.FixtureRequest) -> Iterator[Transaction]:
    with psycopg.connect(request.getfixturevalue("migrated_postgres")) as connection:
        yield PostgresTransaction(connection)
        connection.rollback()


@pytest.fixture(params=[on_sqlite, pytest.param(on_postgres, marks=pytest.mark.postgres)])
def tx(request: pytest.FixtureRequest) -> Iterator[Transaction]:
    with request.param(request) as transaction:
        transaction.execute("DELETE FROM stock_level")
        transaction.execute("DELETE FROM reservation")
        yield transaction


def do(tx: Transaction, *effects: Effect) -> list[Any]:
    return apply_effects(tx, effects, NOW)


def count(product: str, place: str, micro: int) -> CountStock:
    return CountStock(counts=(StockCount(product, place, micro),))


def hold(key: str, *wanted: tuple[str, str, int], **facts: Any) -> HoldStock:
    return HoldStock(key=key, wanted=tuple(Wanted(*each) for each in wanted), **facts)


def levels(tx: Transaction) -> dict[tuple[str, str], tuple[int, int]]:
    """(available, held) per product and location."""
    rows = tx.execute("SELECT product, location, available, held FROM stock_level").fetchall()
    return {(product, place): (available, held) for product, place, available, held in rows}


def test_a_hold_takes_from_what_is_available_the_fullest_place_first(tx: Transaction) -> None:
    do(tx, count("P", "W1", 3), count("P", "W2", 5))
    (held,) = do(tx, hold("a", ("1", "P", 6)))
    assert [(part.location, part.micro) for part in held.allocations] == [("W2", 5), ("W1", 1)]
    assert held.shortages == ()
    assert levels(tx) == {("P", "W1"): (2, 1), ("P", "W2"): (0, 5)}


def test_two_buyers_of_the_last_piece_cannot_both_get_it(tx: Transaction) -> None:
    do(tx, count("P", "W1", 1))
    first, second = do(tx, hold("a", ("1", "P", 1)), hold("b", ("1", "P", 1)))
    assert (first.micro("1"), second.micro("1")) == (1, 0)
    assert second.shortages == (Shortage("1", 1, "short"),)


def test_what_a_line_lacks_is_named_and_why(tx: Transaction) -> None:
    do(tx, count("P", "W1", 2))
    (held,) = do(tx, hold("a", ("1", "P", 3), ("2", "X", 1)))
    assert held.shortages == (Shortage("1", 1, "short"), Shortage("2", 1, "unknown_product"))


def test_whole_lines_get_all_or_nothing(tx: Transaction) -> None:
    do(tx, count("P", "W1", 2), count("Q", "W1", 2))
    (held,) = do(tx, hold("a", ("1", "P", 3), ("2", "Q", 2), whole=True))
    assert (held.micro("1"), held.micro("2")) == (0, 2)


def test_a_pickup_gets_only_what_lies_in_its_store(tx: Transaction) -> None:
    do(tx, count("P", "W1", 5), count("P", "W2", 1))
    (held,) = do(tx, HoldStock(key="a", wanted=(Wanted("1", "P", 2, "W2"),)))
    assert held.micro("1") == 1


def test_holding_again_under_a_key_finds_what_it_holds_also_within_a_batch(tx: Transaction) -> None:
    do(tx, count("P", "W1", 5))
    first, second = do(tx, hold("a", ("1", "P", 3)), hold("a", ("1", "P", 3)))
    (third,) = do(tx, hold("a", ("1", "P", 3)))
    assert first == second == third
    assert levels(tx) == {("P", "W1"): (2, 3)}


def test_what_was_released_can_be_held_again_under_the_same_key(tx: Transaction) -> None:
    do(tx, count("P", "W1", 5))
    do(tx, hold("a", ("1", "P", 5)))
    do(tx, ReleaseStock(key="a"))
    assert levels(tx) == {("P", "W1"): (5, 0)}
    (held,) = do(tx, hold("a", ("1", "P", 2)))
    assert (held.micro("1"), levels(tx)) == (2, {("P", "W1"): (3, 2)})


def test_releasing_nothing_or_twice_is_fine(tx: Transaction) -> None:
    do(tx, count("P", "W1", 5), hold("a", ("1", "P", 5)))
    do(tx, ReleaseStock(key="a"), ReleaseStock(key="a"), ReleaseStock(key="nothing"))
    assert levels(tx) == {("P", "W1"): (5, 0)}


def test_what_the_erp_took_is_gone_and_what_it_refused_can_be_promised_again(tx: Transaction) -> None:
    do(tx, count("P", "W1", 5), count("Q", "W1", 5), hold("a", ("1", "P", 4), ("2", "Q", 4)))
    consumed = ConsumeStock(key="a", accepted=(("1", 3),))
    do(tx, consumed, consumed)
    assert levels(tx) == {("P", "W1"): (2, 0), ("Q", "W1"): (5, 0)}
    do(tx, ReleaseStock(key="a"))
    assert levels(tx) == {("P", "W1"): (2, 0), ("Q", "W1"): (5, 0)}


def test_a_count_keeps_what_is_held_subtracted(tx: Transaction) -> None:
    do(tx, count("P", "W1", 5), hold("a", ("1", "P", 2)))
    do(tx, count("P", "W1", 4))
    assert levels(tx) == {("P", "W1"): (2, 2)}


def test_an_effect_nobody_applies_is_refused(tx: Transaction) -> None:
    class Unheard(Effect, frozen=True):
        pass

    with pytest.raises(Unsupported):
        do(tx, Unheard())


class Model:
    """The ledger in a few lines: what is available, and what each key holds of what where."""

    def __init__(self) -> None:
        self.available: dict[tuple[str, str], int] = {}
        self.holds: dict[str, dict[tuple[str, str], tuple[str, int]]] = {}
        self.consumed: set[str] = set()

    def held(self, product: str, place: str) -> int:
        parts = [part for rows in self.holds.values() for part in rows.items()]
        return sum(micro for (_, at), (of, micro) in parts if (of, at) == (product, place))

    def count(self, effect: CountStock) -> None:
        for each in effect.counts:
            taken = self.held(each.product, each.location)
            self.available[each.product, each.location] = each.micro - taken

    def release(self, effect: ReleaseStock) -> None:
        for (_, place), (product, micro) in self.holds.pop(effect.key, {}).items():
            self.available[product, place] += micro

    def consume(self, effect: ConsumeStock) -> None:
        accepted = dict(effect.accepted)
        for (line, place), (product, micro) in sorted(self.holds.pop(effect.key, {}).items()):
            taken = min(micro, accepted.get(line, 0))
            accepted[line] = accepted.get(line, 0) - taken
            self.available[product, place] += micro - taken
            if taken:
                self.consumed.add(effect.key)

    def hold(self, effect: HoldStock, answer: Held) -> None:
        """Follow what the ledger chose, and check that it was its to give."""
        if effect.key in self.holds or effect.key in self.consumed:
            return
        wanted = {each.line_id: each for each in effect.wanted}
        for part in answer.allocations:
            product = wanted[part.line_id].product
            self.available[product, part.location] -= part.micro
            assert self.available[product, part.location] >= 0, "promised what is not there"
            self.holds.setdefault(effect.key, {})[part.line_id, part.location] = (product, part.micro)
        for each in effect.wanted:
            short = sum(part.micro for part in answer.shortages if part.line_id == each.line_id)
            assert answer.micro(each.line_id) + short == each.micro
            places = [each.location] if each.location else PLACES
            left = sum(max(0, self.available.get((each.product, place), 0)) for place in places)
            assert not short or effect.whole or left == 0, "withheld what is there"


micros = st.integers(1, 9)
keys = st.sampled_from(KEYS)
wants = st.builds(
    Wanted, st.sampled_from(LINES), st.sampled_from(PRODUCTS), micros, st.sampled_from(("", *PLACES))
)
effects = st.one_of(
    st.builds(
        HoldStock,
        key=keys,
        wanted=st.lists(wants, min_size=1, max_size=2, unique_by=lambda each: each.line_id).map(tuple),
        whole=st.booleans(),
    ),
    st.builds(ReleaseStock, key=keys),
    st.builds(
        ConsumeStock,
        key=keys,
        accepted=st.lists(
            st.tuples(st.sampled_from(LINES), micros), max_size=2, unique_by=lambda each: each[0]
        ).map(tuple),
    ),
    st.builds(count, st.sampled_from(PRODUCTS), st.sampled_from(PLACES), st.integers(0, 20)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=120)
@given(batches=st.lists(st.lists(effects, min_size=1, max_size=4), max_size=10))
def test_whatever_happens_the_ledger_agrees_with_a_simple_model(
    tx: Transaction, batches: list[Sequence[Effect]]
) -> None:
    tx.execute("DELETE FROM stock_level")
    tx.execute("DELETE FROM reservation")
    model = Model()
    for batch in batches:
        answers = do(tx, *batch)
        ordered = sorted(zip(batch, answers, strict=True), key=lambda pair: list(APPLIERS).index(type(pair[0])))
        for effect, answer in ordered:
            match effect:
                case HoldStock():
                    model.hold(effect, answer)
                case ReleaseStock():
                    model.release(effect)
                case ConsumeStock():
                    model.consume(effect)
                case CountStock():
                    model.count(effect)
        assert levels(tx) == {key: (micro, model.held(*key)) for key, micro in model.available.items()}
