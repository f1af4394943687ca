"""Pages from templates: everything that comes from outside is escaped, a name nobody passed is an error."""

import json
from datetime import UTC
from functools import cache
from http import HTTPStatus
from typing import Any, Literal

import jinja2
from litestar import Response
from markupsafe import Markup, escape

from crossdock.canonical.status import OrderStatus
from crossdock.entrypoints.console.assets import asset_url
from crossdock.entrypoints.console.customer_rows import VOICE_WORDS, record_in_words
from crossdock.entrypoints.entrance.customer_answers import HAPPENED_WORDS, QUESTION_WORDS
from crossdock.entrypoints.entrance.field_words import field_in_words, fields_in_words, rule_in_words
from crossdock.insight.wording import STATUS_WORDS, duration_in_words, headline, quantity_in_words
from crossdock.kit.clock import Instant, iso, to_datetime
from crossdock.kit.wording import with_moments

HTML = "text/html"
SEE_OTHER: Literal[303] = 303
_PLACE = "\x00"


@cache
def environment() -> jinja2.Environment:
    """The templates, with the filters they use."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("crossdock.entrypoints.console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"asset": asset_url, "STATUS_WORDS": STATUS_WORDS, "OrderStatus": OrderStatus}
    made.globals |= {"QUESTION_WORDS": QUESTION_WORDS, "HAPPENED_WORDS": HAPPENED_WORDS}
    made.globals |= {"VOICE_WORDS": VOICE_WORDS}
    made.filters |= {
        "clock": clock,
        "moment": moment,
        "told": told,
        "in_words": field_in_words,
        "all_in_words": fields_in_words,
        "record": record_in_words,
        "rule_in_words": rule_in_words,
        "number": number,
        "took": duration_in_words,
        "micro": quantity_in_words,
        "headline": headline,
        "pretty": pretty,
        "money": money,
        "marked": marked,
    }
    return made


def render(template: str, *, code: HTTPStatus = HTTPStatus.OK, **facts: Any) -> Response[str]:
    """A page."""
    text = environment().get_template(template).render(**facts)
    return Response(text, status_code=code, media_type=HTML)


def clock(instant: Instant) -> Markup:
    """A time of day; the browser puts it into the reader's own zone."""
    when = to_datetime(instant).astimezone(UTC)
    return Markup('<time datetime="{0}" data-clock title="{0}">{1}</time>').format(
        iso(instant), f"{when:%H:%M:%S}"
    )


def moment(instant: Instant) -> Markup:
    """A date and a time; the browser puts them into the reader's own zone."""
    when = to_datetime(instant).astimezone(UTC)
    text = f"{when:%Y-%m-%d %H:%M:%S}"
    return Markup('<time datetime="{0}" data-moment title="{0}">{1}</time>').format(iso(instant), text)


def told(sentence: str) -> Markup:
    """A sentence in which the moments are in the reader's own zone."""
    moments: list[Instant] = []

    def place(instant: Instant) -> str:
        moments.append(instant)
        return _PLACE

    parts = with_moments(sentence.replace(_PLACE, ""), place).split(_PLACE)
    shown = [Markup(), *map(moment, moments)]
    return Markup().join(found + escape(part) for found, part in zip(shown, parts, strict=True))


def marked(text: str) -> Markup:
    """Text in which `code` stands between backticks."""
    parts = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def money(amount: str) -> str:
    """An amount with thin spaces between thousands."""
    whole, dot, fraction = amount.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    if not digits.isdigit():
        return amount
    return f"{sign}{int(digits):,}".replace(",", "\u2009") + dot + fraction


def number(count: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{count:,}".replace(",", "\u2009")


def pretty(payload: bytes) -> str:
    """JSON to read; what is no JSON is shown as it is."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")
