"""A vendor's JSON is read leniently where it has more, and with a path where it has less."""

import msgspec
import pytest

from crossdock.kit.errors import Invalid
from crossdock.transport.payload import decode


class Line(msgspec.Struct, frozen=True):
    number: str
    kind: str = ""


class Answer(msgspec.Struct, frozen=True):
    lines: tuple[Line, ...]


def test_unknown_fields_are_ignored() -> None:
    assert decode(b'{"lines": [{"number": "1", "new": {}}], "x": 1}', Answer, system="acme") == Answer(
        (Line("1"),)
    )


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        (b"{}", "missing", "$.lines"),
        (b'{"lines": [{"number": "1"}, {}]}', "missing", "$.lines[1].number"),
        (b'{"lines": [{"number": 7}]}', "wrong-type", "$.lines[0].number"),
        (b'{"lines": null}', "wrong-type", "$.lines"),
        (b"[]", "wrong-type", "$"),
        (b"<html>", "not-json", "$"),
        (b"", "not-json", "$"),
        (b"\xff\xfe", "not-json", "$"),
        (b'{"lines": [{"number": "\xff"}]}', "not-json", "$"),
        (b'{"lines": ' + b"[" * 100_000, "wrong-type", "$.lines[0]"),
        (b'{"x": ' + b"[" * 100_000, "not-json", "$"),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_its_path(body: bytes, code: str, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode(body, Answer, system="acme")

    assert [(finding.code, finding.path) for finding in caught.value.findings] == [(code, path)]
    assert (caught.value.system, caught.value.code) == ("acme", "vendor-payload")


@pytest.mark.parametrize("name", ["Zoe Ueberall", "Zoe O'Hara", 'Zoe \\"Z\\" O\'Hara'])
def test_no_value_of_the_payload_is_told(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode(f'{{"kind": "{name}"}}'.encode(), _Chosen, system="acme")

    assert caught.value.findings[0].code == "wrong-type"
    assert "Zoe" not in f"{caught.value} {caught.value.findings}"


class _Chosen(msgspec.Struct):
    kind: str = msgspec.field(default="a")

    def __post_init__(self) -> None:
        if self.kind != "a":
            raise ValueError(f"unknown kind {self.kind!r}")
