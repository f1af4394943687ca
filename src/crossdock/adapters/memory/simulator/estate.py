"""What a new memory ERP knows: a few debtors, articles, prices and depots. Plain data, no I/O."""

import msgspec

from crossdock.adapters.memory.wire import Article, DebtorRecord, Place


class ArticlePrice(msgspec.Struct, frozen=True):
    """What an article costs in a currency, by a price list."""

    article: str
    currency: str
    price: str
    list: str = "STANDARD"


class Stock(msgspec.Struct, frozen=True):
    """What a depot has and what of it is promised to orders, as decimal text."""

    article: str
    depot: str
    on_hand: str
    promised: str = "0"


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """The records a ledger starts with."""

    debtors: tuple[DebtorRecord, ...] = ()
    articles: tuple[Article, ...] = ()
    prices: tuple[ArticlePrice, ...] = ()
    stock: tuple[Stock, ...] = ()


_NAMES = ("Anvil & Söhne", "Café Œuvre", "Fjällräv Outfitters", "Königs Kontor", "Piñata Party", "Łódź Lamps")
_TOWNS = (
    ("10115", "Berlin", "DE"),
    ("75001", "Paris", "FR"),
    ("111 20", "Stockholm", "SE"),
    ("90-001", "Łódź", "PL"),
)


def _debtor(index: int) -> DebtorRecord:
    postal, town, country = _TOWNS[index % len(_TOWNS)]
    return DebtorRecord(
        number=f"C-{1001 + index}",
        name=_NAMES[index % len(_NAMES)],
        kind="person" if index % 3 == 2 else "organisation",  # noqa: PLR2004 - every third one
        terms="net30",
        places=(Place(streets=(f"Lindenstraße {index + 1}",), zip=postal, town=town, country=country),),
    )


_SOLD = tuple(Article(number=f"P-{100 + index * 10}", name=f"Article {100 + index * 10}") for index in range(40))

STANDARD_ESTATE = Estate(
    debtors=(
        *(_debtor(index) for index in range(40)),
        DebtorRecord(number="C-9001", name="Überschuldet GmbH", block="CREDIT_HOLD"),
    ),
    articles=(*_SOLD, Article(number="P-900", name="Discontinued", on_sale=False)),
    prices=(
        *(
            ArticlePrice(article.number, currency, f"{index + 1}.{index:02d}5")
            for index, article in enumerate(_SOLD)
            for currency in ("EUR", "GBP", "SEK", "USD")
        ),
        ArticlePrice("P-900", "EUR", "0"),
    ),
    stock=tuple(
        Stock(article.number, depot, f"{(index + 1) * 10}")
        for index, article in enumerate(_SOLD)
        for depot in ("W1", "W2")
    ),
)
