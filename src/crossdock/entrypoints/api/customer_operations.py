"""What each operation on customers takes and answers."""

from collections.abc import Mapping
from typing import Any

from crossdock.entrypoints.api import rehearsals, stewards
from crossdock.entrypoints.api.operation import LIMIT, Operation, Parameter, Schema
from crossdock.entrypoints.entrance import customer_answers as answers
from crossdock.entrypoints.entrance.consent_answers import ConsentsTold
from crossdock.entrypoints.entrance.paging import INT64_MAX

_GROUP = "Customers"
_PLAIN = "^[^\\x00-\\x1f]*$"
_NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": INT64_MAX}
_ACTOR = Parameter(name="X-Actor", words="Who reads; it is kept in the audit.", place="header")
_MATCH = Parameter(name="If-Match", words="Only while the customer is in this version (ETag).", place="header")
KEY = Parameter(
    name="Idempotency-Key",
    words="Yours for this word; the same key with another body is refused.",
    place="header",
    schema={"type": "string", "pattern": "^[!#-\\[\\]-~]{1,200}$"},
)


def _text(name: str, words: str, characters_max: int) -> Parameter:
    return Parameter(
        name=name, words=words, schema={"type": "string", "maxLength": characters_max, "pattern": _PLAIN}
    )


def _word(body: Any, status: int = 200, *parameters: Parameter, answer: Any = answers.WordTaken) -> Operation:
    return Operation(
        group=_GROUP,
        body=body,
        answers={status: answer},
        parameters=parameters,
        problems=(400, 404, 409, 412, 413, 415, 422, 503),
    )


def _look(answer: Any, *parameters: Parameter) -> Operation:
    return Operation(group=_GROUP, answers={200: answer}, parameters=parameters, problems=(400, 404, 503))


OPERATIONS: Mapping[str, Operation] = {
    "find_customers": _look(
        answers.CustomersFound, _text("search", "An id, a number, a name, an e-mail or a phone number.", 200)
    ),
    "get_customer": _look(answers.CustomerTold, _ACTOR),
    "get_customer_history": _look(
        answers.HistoryTold,
        LIMIT,
        Parameter(name="before", words="From the `next` of a page.", schema=_NUMBER),
        _ACTOR,
    ),
    "get_customer_consents": _look(ConsentsTold, _ACTOR),
    "list_customer_reviews": _look(
        answers.ReviewList,
        _text("signature", "Only equal evidence.", 80),
        _text("owner", "Only those of this team or person.", 80),
        LIMIT,
        Parameter(name="behind", words="From the `next` of a page.", schema=_NUMBER),
    ),
    "list_alike_reviews": _look(answers.AlikeList, LIMIT),
    "get_customer_review": _look(answers.ReviewTold, _ACTOR),
    "decide_customer_review": _word(stewards.ReviewWord, 200, KEY),
    "decide_many_reviews": _word(stewards.ReviewWords, 200, KEY, answer=answers.WordsTaken),
    "list_customer_questions": _look(
        answers.QuestionList, LIMIT, _text("behind", "From the `next` of a page.", 400)
    ),
    "pin_customer": _word(stewards.PinWord, 200, _MATCH, KEY),
    "unpin_customer": _word(stewards.UnpinWord, 200, _MATCH, KEY),
    "accept_proposal": _word(stewards.AcceptWord, 200, _MATCH, KEY),
    "hold_customer": _word(stewards.HoldWord, 200, KEY),
    "release_customer": _word(stewards.HoldWord, 200, KEY),
    "merge_customers": _word(stewards.MergeWord, 202, KEY),
    "get_merge": _look(answers.MergeTold),
    "unmerge_customers": _word(stewards.UnmergeWord, 202, KEY),
    "rehearse_customers": _word(rehearsals.RehearsalWord, 202, KEY, answer=rehearsals.RehearsalBegun),
    "list_rehearsals": _look(rehearsals.RehearsalList, LIMIT),
    "get_rehearsal": _look(rehearsals.RehearsalFound),
}
"""By operation id."""
