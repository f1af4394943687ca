"""What happens to a text between a person's mouth and a database."""

import unicodedata

from bench.match.dice import Dice

KEYBOARD = dict(
    item.split("=")
    for item in (
        "a=qsz b=vgn c=xvd d=sfe e=wrd f=dgr g=fht h=gjy i=uok j=hku k=jli l=kop m=nj n=bmh o=ipl p=ol q=wa r=etf "
        "s=adw t=ryg u=yij v=cbf w=qes x=zcs y=tuh z=xas 0=9 1=2 2=13 3=24 4=35 5=46 6=57 7=68 8=79 9=80"
    ).split()
)
SCANNED = dict(
    item.split("=") for item in "o=0 0=O l=1 1=l i=1 5=S s=5 8=B b=6 m=rn e=c 2=Z g=9 h=b u=v n=r".split()
)
"""What a scanner takes a sign for."""

HEARD = (
    ("ph", "f"),
    ("th", "t"),
    ("ie", "y"),
    ("ck", "k"),
    ("c", "k"),
    ("ey", "y"),
    ("ei", "ie"),
    ("dt", "t"),
    ("ai", "ei"),
    ("ll", "l"),
    ("nn", "n"),
    ("tt", "t"),
    ("ss", "s"),
    ("z", "s"),
    ("w", "v"),
    ("oo", "u"),
)
"""Spellings that sound alike."""

SPELLED_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe"}
)
SHORT_STREETS = (
    ("straße", "str."),
    ("Street", "St"),
    ("Avenue", "Ave"),
    ("Road", "Rd"),
    ("Drive", "Dr"),
    ("Lane", "Ln"),
    ("Court", "Ct"),
    ("Boulevard", "Blvd"),
    ("platz", "pl."),
    ("Avenida", "Avda."),
    ("Calle", "C/"),
    ("Rue", "R."),
    ("Viale", "V.le"),
    ("Piazza", "P.zza"),
    ("straat", "str."),
    ("Circle", "Cir"),
    ("Crescent", "Cres"),
)


def typed(dice: Dice, text: str) -> str:
    """One slip of the fingers: a sign beside, lost, doubled, or two in each other's place."""
    if len(text) < 3:
        return text
    at, kind = 1 + dice.below(len(text) - 1), dice.below(5)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2 and at + 1 < len(text):
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    beside = KEYBOARD.get(text[at].lower())
    return text[:at] + (dice.one(beside) if beside else "") + text[at + 1 :]


def scanned(dice: Dice, text: str) -> str:
    """One or two signs read as ones that look like them."""
    for _ in range(1 + dice.below(2)):
        places = [at for at, sign in enumerate(text) if sign.lower() in SCANNED]
        if not places:
            return text
        at = dice.one(places)
        text = text[:at] + SCANNED[text[at].lower()] + text[at + 1 :]
    return text


def heard(dice: Dice, text: str) -> str:
    """As somebody writes it who only heard it."""
    lower = text.lower()
    alike = [pair for pair in HEARD if pair[0] in lower[1:] or pair[1] in lower[1:]]
    if not alike:
        return text
    one, other = dice.one(alike)
    if one not in lower[1:]:
        one, other = other, one
    at = lower.index(one, 1)
    return text[:at] + other + text[at + len(one) :]


def spoiled(dice: Dice, text: str, share: float) -> str:
    """In that share of cases with a slip of the fingers, of the ear or of the scanner."""
    if not text or not dice.chance(share):
        return text
    return dice.one((typed, typed, typed, heard, scanned))(dice, text)


def plain(text: str) -> str:
    """Without accents: ü becomes u, ß ss."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize(
        "NFKD", text.replace("ß", "ss").replace("ø", "o").replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")
    )
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def ascii_of(dice: Dice, text: str) -> str:
    """As a system without accents writes it: ü as ue, or as u."""
    return plain(text.translate(SPELLED_OUT) if dice.chance(0.7) else text)


def shortened(dice: Dice, street: str) -> str:
    """With the usual abbreviation in half the cases."""
    if dice.chance(0.5):
        for whole, short in SHORT_STREETS:
            if whole in street:
                return street.replace(whole, short)
    return street
