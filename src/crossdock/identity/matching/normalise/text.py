"""Text in one plain form: lower case, ASCII where a script can be written so, single spaces."""

import re
import unicodedata
from functools import lru_cache

TEXT_CHARACTERS_MAX = 400
"""What is longer is cut: nobody is called that, and junk must not cost time."""

_LETTERS = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ł": "l",
    "ħ": "h",
    "\u0131": "i",
    "ŋ": "n",
    "ĸ": "k",
    "ŧ": "t",
    "ə": "a",
    "\u2019": "'",
    "\u2018": "'",
    "\u00b4": "'",
    "`": "'",
    "\u02bc": "'",
}
# Cyrillic after ICAO 9303 part 3 (passports), with Ukrainian letters; Greek after ELOT 743 (ISO 843 type 2).
_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",
        "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch ie y _ e iu ia i i ie g".split(),
        strict=True,
    )
)
_GREEK = dict(
    zip("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split(), strict=True)
)
_TABLE = str.maketrans(
    {**_LETTERS, **_GREEK, **{letter: "" if plain == "_" else plain for letter, plain in _CYRILLIC.items()}}
)
_NO_WORD = re.compile(r"[^\w']+|_+")
_NO_DIGIT = re.compile(r"[^0-9]+")
_PLAIN = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*\Z")


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """`text` without case, accents and punctuation; words parted by one space, apostrophes gone.

    Umlauts lose their dots (`ü` → `u`): whoever writes `ue` is caught by similarity. Letters of other scripts that
    have no table stay as they are.
    """
    if _PLAIN.match(text):
        return text[:TEXT_CHARACTERS_MAX].strip()
    if text.isascii():
        text = text[:TEXT_CHARACTERS_MAX].lower().replace("`", "'")
    else:
        text = unicodedata.normalize("NFKD", text[:TEXT_CHARACTERS_MAX]).casefold().translate(_TABLE)
        text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return " ".join(_NO_WORD.sub(" ", text).replace("'", "").split())


def digits(text: str) -> str:
    """The decimal digits of `text`, those of other scripts as ASCII."""
    if text.isascii():
        return _NO_DIGIT.sub("", text)
    return "".join(str(unicodedata.decimal(letter, "")) for letter in text)


def compact(text: str) -> str:
    """`text` folded and without any spaces, in upper case: how numbers on paper are compared."""
    return fold(text).replace(" ", "").upper()


def distinct(values: list[str], at_most: int = 8) -> tuple[str, ...]:
    """The non-empty values in their order, each once, at most so many."""
    return tuple(dict.fromkeys(value for value in values if value))[:at_most]
