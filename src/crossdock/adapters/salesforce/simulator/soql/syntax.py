"""The parts a query is made of, its tokens, and errors that point at the place."""

import re
from typing import Any
from typing import Literal as OneOf

import msgspec

from crossdock.adapters.salesforce.simulator.failures import ApiError

QUERY_CHARACTERS_MAX = 100_000
_CONTEXT_CHARACTERS = 40


class Path(msgspec.Struct, frozen=True):
    """A field, perhaps through relationships: Account.Owner.Name. `at` is where it stands in the text."""

    parts: tuple[str, ...]
    at: int
    alias: str = ""


class Function(msgspec.Struct, frozen=True):
    """An aggregate: COUNT(), COUNT(Id), SUM(TotalAmount) and so on; no argument means rows."""

    name: str
    argument: Path | None
    at: int
    alias: str = ""


class FieldSet(msgspec.Struct, frozen=True):
    """FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM)."""

    which: str
    at: int


class Constant(msgspec.Struct, frozen=True):
    """A literal. `raw` is a text's inside with its escapes, which LIKE needs."""

    kind: OneOf["text", "number", "boolean", "null", "date", "datetime", "period"]
    value: Any
    at: int
    raw: str = ""


class Compare(msgspec.Struct, frozen=True):
    """left op right; op is one of = != < <= > >= like."""

    left: Path | Function
    op: str
    right: Constant


class Within(msgspec.Struct, frozen=True):
    """left IN (...) or NOT IN (...), by a list or by a sub-select."""

    left: Path
    negated: bool
    right: "tuple[Constant, ...] | Query"


class Both(msgspec.Struct, frozen=True):
    """All of several conditions."""

    parts: "tuple[Condition, ...]"


class Either(msgspec.Struct, frozen=True):
    """At least one of several conditions."""

    parts: "tuple[Condition, ...]"


class Opposite(msgspec.Struct, frozen=True):
    """Not the condition."""

    part: "Condition"


Condition = Compare | Within | Both | Either | Opposite


class Ordering(msgspec.Struct, frozen=True):
    """One key of ORDER BY."""

    by: Path | Function
    descending: bool = False
    nulls_last: bool = False


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One SELECT; inside another one's list `source` is a child relationship."""

    items: "tuple[Path | Function | FieldSet | Query, ...]"
    source: str
    source_at: int
    alias: str = ""
    where: Condition | None = None
    group_by: tuple[Path, ...] = ()
    having: Condition | None = None
    order_by: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0


class Token(msgspec.Struct, frozen=True):
    """One token; names keep their case, `end` closes the text."""

    kind: OneOf["name", "text", "number", "date", "datetime", "sign", "end"]
    text: str
    at: int

    @property
    def word(self) -> str:
        """The token as a keyword."""
        return self.text.upper() if self.kind == "name" else self.text


_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:\\.|[^'\\])*')
    |(?P<datetime>\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)
    |(?P<date>\d{4}-\d{2}-\d{2})
    |(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    |(?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,|:)
    )""",
    re.VERBOSE | re.DOTALL,
)


def tokens(text: str) -> list[Token]:
    """Cut a query into tokens. Raises ApiError MALFORMED_QUERY."""
    if len(text) > QUERY_CHARACTERS_MAX:
        raise ApiError("QUERY_TOO_COMPLICATED", f"SOQL statements cannot be longer than {QUERY_CHARACTERS_MAX}")
    found: list[Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise malformed(text, at, f"unexpected token: '{text[at : at + 1]}'")
        kind: Any = match.lastgroup
        found.append(Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*found, Token("end", "<EOF>", len(text))]


def placed(text: str, at: int, code: str, message: str) -> ApiError:
    """A refusal in the vendor's four lines: the text around, a caret, the place, the message."""
    before = text[:at]
    row = before.count("\n") + 1
    column = at - (before.rfind("\n") + 1) + 1
    start = max(at - _CONTEXT_CHARACTERS, before.rfind("\n") + 1)
    excerpt = text[start : at + _CONTEXT_CHARACTERS].split("\n", 1)[0]
    pointer = " " * (at - start) + "^"
    return ApiError(code, f"\n{excerpt}\n{pointer}\nERROR at Row:{row}:Column:{column}\n{message}")


def malformed(text: str, at: int, message: str) -> ApiError:
    """The text is not SOQL."""
    return placed(text, at, "MALFORMED_QUERY", message)


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def unescaped(raw: str) -> str:
    """A text literal's inside without its escapes."""
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1].lower(), match[1]), raw, flags=re.DOTALL)


def like_pattern(raw: str) -> re.Pattern[str]:
    """A LIKE pattern, `%` any text and `_` one character, as a regular expression."""
    pieces = []
    for match in re.finditer(r"\\(.)|(.)", raw, re.DOTALL):
        escaped, plain = match[1], match[2]
        if escaped is not None:
            pieces.append(re.escape(_ESCAPES.get(escaped.lower(), escaped)))
        else:
            pieces.append({"%": ".*", "_": "."}.get(plain, re.escape(plain)))
    return re.compile("".join(pieces), re.IGNORECASE | re.DOTALL)
