"""From text to `Query`, by recursive descent."""

from decimal import Decimal

from crossdock.adapters.salesforce.simulator.failures import ApiError
from crossdock.adapters.salesforce.simulator.soql.syntax import (
    Both,
    Compare,
    Condition,
    Constant,
    Either,
    FieldSet,
    Function,
    Opposite,
    Ordering,
    Path,
    Query,
    Token,
    Within,
    malformed,
    tokens,
    unescaped,
)
from crossdock.adapters.salesforce.simulator.tables.moments import datetime_text, parse_date, parse_datetime

DEPTH_MAX = 40
AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CLAUSES = frozenset({
    "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "USING", "ALL", "UPDATE",
})  # fmt: skip
_TAILS = (("FOR", "VIEW"), ("FOR", "REFERENCE"), ("FOR", "UPDATE"), ("ALL", "ROWS"))


def parse(text: str) -> Query:
    """Parse one SELECT. Raises ApiError MALFORMED_QUERY with the place."""
    parser = _Parser(text)
    query = parser.query()
    parser.expect_end()
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._index = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    def expect_end(self) -> None:
        if self._next.kind != "end":
            raise self._unexpected()

    def query(self) -> Query:
        self._expect("SELECT")
        items = [self._item()]
        while self._accept(","):
            items.append(self._item())
        self._expect("FROM")
        source = self._name()
        alias = self._alias()
        if self._accept("USING"):
            self._expect("SCOPE")
            self._name()
        where = self._condition() if self._accept("WHERE") else None
        if self._accept("WITH"):
            self._name()
        group_by, having = self._grouping()
        order_by = self._ordering()
        limit = self._count() if self._accept("LIMIT") else None
        offset = self._count() if self._accept("OFFSET") else 0
        for first, second in _TAILS:
            if self._next.word == first and self._tokens[self._index + 1].word == second:
                self._index += 2
        return Query(
            items=tuple(items),
            source=source.text,
            source_at=source.at,
            alias=alias,
            where=where,
            group_by=group_by,
            having=having,
            order_by=order_by,
            limit=limit,
            offset=offset,
        )

    def _item(self) -> Path | Function | FieldSet | Query:
        if self._next.text == "(":
            self._index += 1
            self._deeper()
            query = self.query()
            self._depth -= 1
            self._expect(")")
            return query
        if self._next.word == "FROM":
            raise self._unexpected()
        name = self._name()
        if self._next.text != "(":
            return Path(tuple(name.text.split(".")), name.at, self._alias())
        if name.word == "FIELDS":
            self._expect("(")
            which = self._name()
            self._expect(")")
            return FieldSet(which.word, name.at)
        if name.word in ("TOLABEL", "FORMAT"):
            self._expect("(")
            inner = self._name()
            self._expect(")")
            return Path(tuple(inner.text.split(".")), inner.at, self._alias())
        function = self._function(name)
        return Function(function.name, function.argument, function.at, self._alias())

    def _function(self, name: Token) -> Function:
        if name.word not in AGGREGATES:
            raise malformed(self._text, name.at, f"unexpected token: '{name.text}'")
        self._expect("(")
        argument = None
        if self._next.text != ")":
            inner = self._name()
            argument = Path(tuple(inner.text.split(".")), inner.at)
        elif name.word != "COUNT":
            raise self._unexpected()
        self._expect(")")
        return Function(name.word, argument, name.at)

    def _alias(self) -> str:
        if self._next.kind == "name" and self._next.word not in _CLAUSES | {"FROM", "AS"}:
            return self._take().text
        return ""

    def _grouping(self) -> tuple[tuple[Path, ...], Condition | None]:
        if not self._accept("GROUP"):
            return (), None
        self._expect("BY")
        paths = [self._path()]
        while self._accept(","):
            paths.append(self._path())
        having = self._condition() if self._accept("HAVING") else None
        return tuple(paths), having

    def _ordering(self) -> tuple[Ordering, ...]:
        if not self._accept("ORDER"):
            return ()
        self._expect("BY")
        keys = [self._order_key()]
        while self._accept(","):
            keys.append(self._order_key())
        return tuple(keys)

    def _order_key(self) -> Ordering:
        by = self._operand()
        descending = self._accept("DESC")
        if not descending:
            self._accept("ASC")
        nulls_last = False
        if self._accept("NULLS"):
            nulls_last = self._accept("LAST")
            if not nulls_last:
                self._expect("FIRST")
        return Ordering(by, descending, nulls_last)

    def _condition(self) -> Condition:
        self._deeper()
        parts = [self._negation()]
        word = self._next.word
        while word in ("AND", "OR") and self._accept(word):
            parts.append(self._negation())
        if self._next.word in ("AND", "OR"):
            # The vendor demands parentheses where AND and OR meet.
            raise self._unexpected()
        self._depth -= 1
        if len(parts) == 1:
            return parts[0]
        return Both(tuple(parts)) if word == "AND" else Either(tuple(parts))

    def _negation(self) -> Condition:
        if self._accept("NOT"):
            self._deeper()
            part = self._negation()
            self._depth -= 1
            return Opposite(part)
        if self._accept("("):
            condition = self._condition()
            self._expect(")")
            return condition
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self._operand()
        sign = self._take()
        if sign.word in _COMPARISONS:
            return Compare(left, _COMPARISONS[sign.word], self._constant())
        if sign.word == "LIKE":
            return Compare(left, "like", self._constant())
        negated = sign.word == "NOT" and self._next.word == "IN"
        if negated:
            self._index += 1
        if (negated or sign.word == "IN") and isinstance(left, Path):
            return self._within(left, negated=negated)
        self._index -= 1
        raise self._unexpected()

    def _within(self, left: Path, *, negated: bool) -> Within:
        self._expect("(")
        if self._next.word == "SELECT":
            self._deeper()
            query = self.query()
            self._depth -= 1
            self._expect(")")
            return Within(left, negated, query)
        values = [self._constant()]
        while self._accept(","):
            values.append(self._constant())
        self._expect(")")
        return Within(left, negated, tuple(values))

    def _operand(self) -> Path | Function:
        name = self._name()
        if self._next.text == "(":
            return self._function(name)
        return Path(tuple(name.text.split(".")), name.at)

    def _path(self) -> Path:
        name = self._name()
        return Path(tuple(name.text.split(".")), name.at)

    def _constant(self) -> Constant:
        token = self._take()
        if token.kind == "text":
            raw = token.text[1:-1]
            return Constant("text", unescaped(raw), token.at, raw)
        if token.kind == "number":
            return Constant("number", float(Decimal(token.text)), token.at)
        if token.kind == "date":
            return Constant("date", self._valid(token, parse_date(token.text)), token.at)
        if token.kind == "datetime":
            instant = parse_datetime(token.text)
            return Constant("datetime", self._valid(token, instant and datetime_text(instant)), token.at)
        if token.word in ("TRUE", "FALSE"):
            return Constant("boolean", token.word == "TRUE", token.at)
        if token.word == "NULL":
            return Constant("null", None, token.at)
        if token.kind == "name" and "." not in token.text:
            days = self._count() if self._accept(":") else None
            return Constant("period", (token.word, days), token.at)
        self._index -= 1
        raise self._unexpected()

    def _valid(self, token: Token, value: str | int | None) -> str | int:
        if value is None:
            raise malformed(self._text, token.at, f"line 1:{token.at} invalid date: '{token.text}'")
        return value

    def _count(self) -> int:
        token = self._take()
        if token.kind != "number" or not token.text.isdigit():
            self._index -= 1
            raise self._unexpected()
        return int(token.text)

    def _name(self) -> Token:
        if self._next.kind != "name":
            raise self._unexpected()
        return self._take()

    def _take(self) -> Token:
        token = self._next
        if token.kind == "end":
            raise self._unexpected()
        self._index += 1
        return token

    def _accept(self, word: str) -> bool:
        if self._next.word != word or self._next.kind == "text":
            return False
        self._index += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._unexpected()

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise malformed(self._text, self._next.at, "the query is nested too deeply")

    def _unexpected(self) -> ApiError:
        return malformed(self._text, self._next.at, f"unexpected token: '{self._next.text}'")
