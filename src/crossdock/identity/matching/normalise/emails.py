"""An e-mail address as the mailbox behind it: case, dots and plus parts that providers ignore are gone."""

import re
import unicodedata
from functools import lru_cache

ADDRESS_CHARACTERS_MAX = 254
LOCAL_BYTES_MAX = 64
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*\Z")
_DOMAIN = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})\Z"
)
_USUAL = re.compile(
    r"[a-z0-9_][a-z0-9_+-]*(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}\Z"
)
_BEHIND_A_NAME = re.compile(r"<([^<>@\s]+@[^<>@\s]+)>\s*\Z")
"""`Anna Huber <anna@huber.de>`, as mail programs copy it."""
DOTS_MEAN_NOTHING = frozenset({"gmail.com"})
SAME_DOMAIN = {
    "googlemail.com": "gmail.com",
    "pm.me": "protonmail.com",
    "proton.me": "protonmail.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
}
PLACEHOLDERS = frozenset(
    """
    none na n/a null test unknown noemail no-email nomail noreply no-reply donotreply keine ohne
    sans kein x xx xxx
    """.split()
)


def email_of(text: str) -> str:
    """The mailbox that `text` names, or an empty text where it names none.

    Syntax after RFC 5321 (a dot-atom at a domain; no quoted names, no address literals) and RFC 6531 (letters
    of other scripts, the domain in its IDNA form); nobody is asked. Everything after `+` goes with
    any provider; dots go where the provider ignores them (Gmail). Placeholders (`noemail@…`) name nobody.
    """
    if found := _BEHIND_A_NAME.search(text):
        text = found[1]
    return _email_of(text.strip().strip("<>;,").removeprefix("mailto:").lower()[: ADDRESS_CHARACTERS_MAX + 1])


@lru_cache(maxsize=65_536)
def _email_of(text: str) -> str:
    if len(text) > ADDRESS_CHARACTERS_MAX or "@" not in text:
        return ""
    if not _USUAL.match(text) and not (text := _in_full(text)):
        return ""
    local, _, domain = text.rpartition("@")
    domain = SAME_DOMAIN.get(domain, domain)
    plain = local.split("+", 1)[0] or local
    if domain in DOTS_MEAN_NOTHING:
        plain = plain.replace(".", "") or plain
    if plain in PLACEHOLDERS:
        return ""
    return f"{plain}@{domain}"


def _in_full(text: str) -> str:
    """An address with unusual signs or letters, its domain in ASCII; empty where it is none."""
    local, _, domain = unicodedata.normalize("NFKC", text).rpartition("@")
    if not _LOCAL.match(local) or len(local.encode("utf-8", "replace")) > LOCAL_BYTES_MAX:
        return ""
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    return f"{local}@{ascii_domain}" if _DOMAIN.match(ascii_domain) else ""
