"""Mailboxes and phone numbers, column by column: usual ones in compiled loops, the others one by one."""

import numpy as np

from crossdock.identity.matching import word_kernels
from crossdock.identity.matching.columns import SEED, Index, Texts, as_spelled, as_text
from crossdock.identity.matching.normalise import contact_kernels
from crossdock.identity.matching.normalise.emails import (
    ADDRESS_CHARACTERS_MAX,
    DOTS_MEAN_NOTHING,
    PLACEHOLDERS,
    SAME_DOMAIN,
    email_of,
)
from crossdock.identity.matching.normalise.phones import (
    DIGITS_MIN,
    HEAD,
    NUMBER_CHARACTERS_MAX,
    phone_of,
    plan_of,
)
from crossdock.identity.matching.spelling import chosen, combinations, completed, numbers_of


def mailboxes(raw: Texts) -> Texts:
    """A column of e-mail addresses, as `email_of` reads them."""
    made, starts, open_ = contact_kernels.mailboxes(
        *raw.words.spelled,
        SEED,
        numbers_of(DOTS_MEAN_NOTHING),
        numbers_of(SAME_DOMAIN),
        numbers_of(PLACEHOLDERS),
        ADDRESS_CHARACTERS_MAX,
    )
    return completed(
        (made, starts), open_, lambda rest: [email_of(text) for text in chosen(raw.words, rest)], raw.places
    )


def phones(raw: Texts, home: Texts) -> Texts:
    """A column of phone numbers, as `phone_of` reads them in the countries of `home`."""
    points, starts, kinds = contact_kernels.dialled(*raw.words.spelled, NUMBER_CHARACTERS_MAX, DIGITS_MIN)
    (words, countries), places = combinations([raw, home])
    kinds = kinds[words]
    heads = contact_kernels.heads(points, starts, words, HEAD)
    heads = np.where((kinds == contact_kernels.USUAL) & (heads >= 0), heads * len(home.words) + countries, -1)
    first, plans = word_kernels.distinct(heads)
    begins = starts[words[first]]
    ends = begins + np.where(heads[first] >= 0, HEAD, 0)
    begun = as_text(word_kernels.taken(points, begins, ends, np.arange(first.size)))
    lengths = (starts[1:] - starts[:-1])[words[first]].tolist()
    found = [
        plan_of(head, length, home.words.words[country]) if head else ("", -1)
        for head, length, country in zip(begun, lengths, countries[first].tolist(), strict=True)
    ]
    cuts = np.fromiter((cut for _, cut in found), np.int64, len(found))
    made = contact_kernels.begun(points, starts, words, cuts, plans, *as_spelled([start for start, _ in found]))
    open_ = (kinds != contact_kernels.NOTHING) & (cuts[plans] < 0)

    def slow(rest: Index) -> list[str]:
        said = zip(chosen(raw.words, words[rest].astype(np.int64)), countries[rest].tolist(), strict=True)
        return [phone_of(text, home.words.words[country]) for text, country in said]

    return completed(made, open_, slow, places)
