"""Splink 5 on DuckDB: settings as its documentation has them for a set, fairly tuned where it has none.

Documented (docs/demos/examples/duckdb of its repository): FEBRL 3, FEBRL 4 "detailed", the 50k historical persons,
and fake_1000 ("accuracy analysis from labels column"). FEBRL 1 and 2 are of the kind of FEBRL 3 and take its
settings. For the made-up retailer and the truth set of Senzing we chose: names with term frequencies, birth,
e-mail, phone, loyalty card, one comparison for the whole address (correlated columns count twice otherwise), and
companies in a model of their own with name, address, phone, mailbox and tax number.
"""

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on
from splink.internals.exceptions import EMTrainingException

from bench.match.peers.contract import Answer, serve

try:
    from splink import DuckDBAPI
except ImportError:
    from splink.backends.duckdb import DuckDBAPI

NATURAL = 0.0
"""Match weight 0 is a match as likely as not: probability 0.5."""

CLUSTER_AT = 4.2479
"""Match weight of probability 0.95, at which its documentation clusters."""

KEPT_ABOVE = -10.0
SEED = 1


@dataclass(frozen=True)
class Plan:
    """Settings, and how they are trained."""

    comparisons: list[Any]
    blocking: list[Any]
    surely: list[Any]
    recall: float
    training: list[Any]
    link: bool = False
    pairs_max: float = 1e6
    with_frequencies: bool = False
    where: str = "true"
    prior: float = 0.0001
    """Its own default, until it is estimated."""

    columns: dict[str, str] = field(default_factory=dict)


BORN = cl.DateOfBirthComparison("born", input_is_string=True, invalid_dates_as_null=True)
FEBRL_3 = Plan(
    comparisons=[
        cl.NameComparison("given"),
        cl.NameComparison("surname"),
        BORN,
        cl.DamerauLevenshteinAtThresholds("number", [2]),
        cl.ExactMatch("house").configure(term_frequency_adjustments=True),
        cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
    ],
    blocking=[block_on(name) for name in ("number", "given", "surname", "born", "postcode")],
    surely=[
        block_on("number"),
        block_on("given", "surname", "born"),
        "l.given = r.surname and l.surname = r.given and l.born = r.born",
    ],
    recall=0.9,
    training=[block_on("born"), block_on("postcode")],
    with_frequencies=True,
)
FEBRL_4 = Plan(
    comparisons=[
        cl.NameComparison("given").configure(term_frequency_adjustments=True),
        cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        BORN,
        cl.DamerauLevenshteinAtThresholds("number", [1, 2]),
        cl.ExactMatch("house").configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
    ],
    blocking=[
        block_on("given", "surname"),
        "l.given = r.surname and l.surname = r.given",
        block_on("born"),
        block_on("number"),
        block_on("region", "street"),
        block_on("house", "street"),
        block_on("postcode"),
    ],
    surely=[block_on("number"), block_on("given", "surname", "born")],
    recall=0.8,
    training=[block_on("born"), block_on("postcode")],
    link=True,
)
HISTORICAL = Plan(
    comparisons=[
        cl.ForenameSurnameComparison("given", "surname", forename_surname_concat_col_name="full_name"),
        cl.DateOfBirthComparison("born", input_is_string=True),
        cl.PostcodeComparison("postcode_gb"),
        cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
        cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
    ],
    blocking=[
        block_on("substr(given,1,3)", "substr(surname,1,4)"),
        block_on("surname", "born"),
        block_on("given", "born"),
        block_on("postcode", "given"),
        block_on("postcode", "surname"),
        block_on("born", "birth_place"),
        block_on("substr(postcode,1,3)", "born"),
        block_on("substr(postcode,1,3)", "given"),
        block_on("substr(postcode,1,3)", "surname"),
        block_on("substr(given,1,2)", "substr(surname,1,2)", "substr(born,1,4)"),
    ],
    surely=[
        block_on("given", "surname", "born"),
        block_on("substr(given,1,2)", "surname", "substr(postcode,1,2)"),
        block_on("born", "postcode"),
    ],
    recall=0.6,
    training=[block_on("given", "surname"), block_on("born")],
    pairs_max=1e7,
    # Its comparison wants a postcode with its blank: the last three signs are the inward part.
    columns={
        "postcode_gb": "case when length(postcode) > 4 "
        "then postcode[:-4] || ' ' || postcode[-3:] else postcode end"
    },
)
FAKE_1000 = Plan(
    comparisons=[
        cl.ForenameSurnameComparison("given", "surname"),
        cl.DateOfBirthComparison("born", input_is_string=True),
        cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        cl.EmailComparison("email"),
    ],
    blocking=[block_on(name) for name in ("given", "surname", "born", "email")],
    surely=[
        "l.given = r.given and levenshtein(r.born, l.born) <= 1",
        "l.surname = r.surname and levenshtein(r.born, l.born) <= 1",
        "l.given = r.given and levenshtein(r.surname, l.surname) <= 2",
        "l.email = r.email",
    ],
    recall=0.7,
    training=[block_on("born"), block_on("email"), block_on("given", "surname")],
)

ADDRESS = cl.CustomComparison(
    output_column_name="address",
    comparison_levels=[
        cll.CustomLevel("door_l is null or door_r is null", "nothing known").configure(is_null_level=True),
        cll.CustomLevel("door_l = door_r and postcode_l = postcode_r", "same door, same postcode"),
        cll.CustomLevel("jaro_winkler_similarity(door_l, door_r) >= 0.92 and postcode_l = postcode_r", "nearly"),
        cll.CustomLevel("door_l = door_r", "same door"),
        cll.CustomLevel("postcode_l = postcode_r", "same postcode"),
        cll.ElseLevel(),
    ],
)
DOOR = {"door": "nullif(trim(coalesce(street, '') || ' ' || coalesce(house, '')), '')"}


def exact(column: str) -> Any:
    """Equal, one slip away, or different; rare values count more."""
    return cl.DamerauLevenshteinAtThresholds(column, [1]).configure(term_frequency_adjustments=True)


PERSONS = Plan(
    comparisons=[
        cl.ForenameSurnameComparison("given", "surname", forename_surname_concat_col_name="full_name"),
        BORN,
        cl.EmailComparison("email"),
        exact("phone"),
        exact("loyalty"),
        ADDRESS,
    ],
    blocking=[
        block_on("email"),
        block_on("phone"),
        block_on("loyalty"),
        block_on("born", "surname"),
        block_on("born", "given"),
        block_on("given", "surname", "city"),
        block_on("door", "postcode", "substr(given,1,1)"),
        block_on("postcode", "surname"),
        "l.given = r.surname and l.surname = r.given and l.city = r.city",
    ],
    surely=[block_on("email", "surname"), block_on("phone", "given"), block_on("loyalty", "given")],
    recall=0.7,
    training=[block_on("email"), block_on("phone"), block_on("given", "surname")],
    where="kind = 'person'",
    columns=DOOR,
)
COMPANIES = Plan(
    comparisons=[
        cl.JaroWinklerAtThresholds("organisation", [0.95, 0.88]).configure(term_frequency_adjustments=True),
        ADDRESS,
        exact("phone"),
        cl.EmailComparison("email"),
        exact("tax"),
    ],
    blocking=[
        block_on("organisation"),
        block_on("phone"),
        block_on("tax"),
        block_on("split_part(email, '@', 2)"),
        block_on("door", "postcode"),
        block_on("substr(organisation,1,6)", "city"),
    ],
    surely=[block_on("tax"), block_on("organisation", "city")],
    recall=0.6,
    training=[block_on("organisation"), block_on("phone")],
    where="kind = 'organisation'",
    columns=DOOR,
)
PLANS = {
    **dict.fromkeys(("febrl1", "febrl2", "febrl3"), (FEBRL_3,)),
    "febrl4": (FEBRL_4,),
    "historical": (HISTORICAL,),
    "fake_1000": (FAKE_1000,),
    # Too few records to estimate a prior from.
    "senzing": tuple(replace(plan, surely=[], prior=0.02) for plan in (PERSONS, COMPANIES)),
}


def match(name: str, rows: Path) -> Answer:
    """All pairs above a weight of -10, by match weight (log2 of the odds)."""
    done = [_scored(plan, rows) for plan in PLANS.get(name, (PERSONS, COMPANIES))]
    return Answer((pair for found in done for pair in found.fetchall()), NATURAL, CLUSTER_AT)


def _scored(plan: Plan, rows: Path) -> duckdb.DuckDBPyConnection:
    """A query for what was found; when it is fetched nothing is left to do but to hand it over."""
    connection = duckdb.connect()
    given = f"read_csv('{rows}', all_varchar = true, header = true)"
    kept = f"select * exclude (place), place::bigint as unique_id from {given} where {plan.where}"
    added = "".join(f", {text} as {column}" for column, text in plan.columns.items())
    connection.sql(f"create table cleaned as select *{added} from ({kept})")
    api = DuckDBAPI(connection=connection)
    if plan.link:
        sources = [word for (word,) in connection.sql("select distinct source from cleaned order by 1").fetchall()]
        tables = [connection.sql(f"select * from cleaned where source = '{word}'") for word in sources]
        frames: Any = [
            api.register(table, dataset_display_name=word) for table, word in zip(tables, sources, strict=True)
        ]
    else:
        frames = api.register(connection.sql("select * from cleaned"))
    settings = SettingsCreator(
        link_type="link_only" if plan.link else "dedupe_only",
        blocking_rules_to_generate_predictions=plan.blocking,
        comparisons=plan.comparisons,
        probability_two_random_records_match=plan.prior,
    )
    linker = Linker(frames, settings, log_level=None)
    train = linker.training
    if plan.surely:
        train.estimate_probability_two_random_records_match(plan.surely, recall=plan.recall)
    train.estimate_u_using_random_sampling(max_pairs=plan.pairs_max, seed=SEED)
    for rule in plan.training:
        with contextlib.suppress(
            ValueError, EMTrainingException
        ):  # too few pairs in this block to learn from, on the tiny set
            train.estimate_parameters_using_expectation_maximisation(
                rule, estimate_without_term_frequencies=not plan.with_frequencies
            )
    predicted = linker.inference.predict(threshold_match_weight=KEPT_ABOVE)
    # Its own clustering is part of what it takes; the judge forms the same clusters of the pairs.
    linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold_match_weight=CLUSTER_AT)
    return connection.execute(f"select unique_id_l, unique_id_r, match_weight from {predicted.physical_name}")


if __name__ == "__main__":
    serve(match)
