"""The example retailer that a local Tryton is seeded with: plain data, no I/O, so that others can seed the same.

Harbour & Hill sells outdoor and home goods from three warehouses, in four currencies, to shops and to people.
Nobody in here exists: mail goes to example.com, and phone numbers are ones kept for fiction.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import msgspec

COMPANY_NAME = "Harbour & Hill"
COMPANY_CURRENCY = "EUR"
VAT_RATE = Decimal("0.19")
VAT_NAME = "VAT 19 %"
PAYMENT_TERM_ORGANISATION = "Net 30 days"
PAYMENT_TERM_PERSON = "Immediate"
PRICE_LIST_RETAIL = "Retail"
PRICE_LIST_TRADE = "Trade"
PRICE_DECIMALS = 4

# Units of one euro. Chosen so that prices stay legible.
RATES: dict[str, Decimal] = {
    "EUR": Decimal(1),
    "USD": Decimal("1.10"),
    "GBP": Decimal("0.85"),
    "CHF": Decimal("0.95"),
}
COUNTRIES: dict[str, str] = {
    "AT": "Austria",
    "CH": "Switzerland",
    "DE": "Germany",
    "FR": "France",
    "GB": "United Kingdom",
    "NL": "Netherlands",
    "US": "United States",
}
# A kilogram is sold by the gram.
UNIT_DECIMALS: dict[str, int] = {"KGM": 3}
# Customers there pay no VAT here.
EXPORT_COUNTRIES = frozenset({"CH", "GB", "US"})
# From so many on, a trade customer pays this share of the list price. The first that fits is taken.
TRADE_BREAKS: tuple[tuple[int, Decimal], ...] = (
    (50, Decimal("0.70")),
    (10, Decimal("0.75")),
    (0, Decimal("0.80")),
)


class Warehouse(msgspec.Struct, frozen=True):
    """A warehouse; `code` is the location that orders and stock levels name."""

    code: str
    name: str


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product with its list price in euros and the stock in each warehouse, in `unit`."""

    code: str
    name: str
    unit: str
    category: str
    list_price: Decimal
    stock: dict[str, int]
    state: Literal["sold", "not_for_sale", "discontinued"] = "sold"


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer; `number` is the code of the party in Tryton and the number every system shares.

    `blocked` is a credit limit of nothing: Tryton itself then refuses to confirm the customer's orders.
    `closed` is a party that was deactivated.
    """

    number: str
    name: str
    kind: Literal["organisation", "person"]
    email: str
    phone: str
    street: str
    postal_code: str
    city: str
    country: str
    currency: str
    state: Literal["open", "blocked", "closed"] = "open"

    @property
    def price_list(self) -> str:
        """The price list that Tryton applies."""
        return PRICE_LIST_TRADE if self.kind == "organisation" else PRICE_LIST_RETAIL

    @property
    def payment_term(self) -> str:
        """The payment term agreed with the customer."""
        return PAYMENT_TERM_ORGANISATION if self.kind == "organisation" else PAYMENT_TERM_PERSON


def price(product: Product, customer: Customer, quantity: int = 1) -> Decimal:
    """What Tryton charges that customer for one unit, when so many are bought, in the customer's currency."""
    share = Decimal(1)
    if customer.kind == "organisation":
        share = next(share for least, share in TRADE_BREAKS if quantity >= least)
    quantum = Decimal(1).scaleb(-PRICE_DECIMALS)
    in_euros = (product.list_price * share).quantize(quantum, ROUND_HALF_EVEN)
    return (in_euros * RATES[customer.currency]).quantize(quantum, ROUND_HALF_EVEN)


WAREHOUSES: tuple[Warehouse, ...] = (
    Warehouse("BER", "Berlin"),
    Warehouse("LDN", "London"),
    Warehouse("NWK", "Newark"),
)

# code, name, unit, list price in euros, stock in BER, LDN, NWK
_PRODUCTS = {
    "Outdoor": """
        TENT-2P-GREEN|Tent for two, green|EA|189.90|4000|2500|3000
        TENT-2P-SAND|Tent for two, sand|EA|189.90|3500|2000|2500
        TENT-4P-GREEN|Tent for four, green|EA|329.00|1500|900|1200
        TARP-3X4|Tarp 3 x 4 m|EA|64.50|5000|3000|3500
        BAG-DOWN-M|Down sleeping bag, medium|EA|249.00|2200|1400|1800
        BAG-DOWN-L|Down sleeping bag, large|EA|269.00|2200|1400|1800
        BAG-SYNTH|Synthetic sleeping bag|EA|99.90|6000|4000|5000
        MAT-FOAM|Folding foam mat|EA|34.90|9000|6000|7000
        MAT-AIR|Inflatable mat|EA|89.00|4000|2500|3000
        PACK-25|Day pack 25 l|EA|79.00|7000|4500|5500
        PACK-45|Trekking pack 45 l|EA|159.00|3000|2000|2400
        PACK-65|Trekking pack 65 l|EA|199.00|2400|1600|2000
        POLE-PAIR|Trekking poles, pair|EA|59.90|6000|4000|4500
        STOVE-GAS|Gas stove|EA|44.90|5500|3500|4200
        POT-TITAN|Titanium pot 0.9 l|EA|54.00|4500|3000|3500
        ROPE-9MM|Climbing rope 9 mm, by the metre|MTR|3.20|20000|12000|15000
        CARABINER|Carabiner, screw gate|EA|12.50|12000|8000|9000
        HEADLAMP|Head lamp 400 lm|EA|39.90|8000|5000|6000
    """,
    "Clothing": """
        JACKET-RAIN-S|Rain jacket, S|EA|129.00|3000|2000|2500
        JACKET-RAIN-M|Rain jacket, M|EA|129.00|4500|3000|3800
        JACKET-RAIN-L|Rain jacket, L|EA|129.00|4500|3000|3800
        FLEECE-M|Fleece, M|EA|69.00|6000|4000|4800
        FLEECE-L|Fleece, L|EA|69.00|6000|4000|4800
        SOCK-WOOL|Wool socks|EA|18.00|15000|10000|12000
        GLOVE-SHELL|Shell gloves|EA|42.00|5000|3200|4000
        CAP-WOOL|Wool cap|EA|24.00|8000|5200|6400
        BOOT-42|Hiking boots, 42|EA|179.00|1800|1200|1400
        BOOT-44|Hiking boots, 44|EA|179.00|1800|1200|1400
    """,
    "Home": """
        MUG-ENAMEL|Enamel mug|EA|14.90|14000|9000|11000
        KETTLE-STEEL|Steel kettle 1.2 l|EA|49.00|4800|3000|3800
        LANTERN-OIL|Oil lantern|EA|58.00|3600|2300|2900
        BLANKET-WOOL|Wool blanket|EA|119.00|2800|1800|2200
        CANDLE-BEE|Beeswax candle|EA|9.50|16000|10000|12500
        COFFEE-BEANS|Coffee beans, by the kilogram|KGM|26.00|3000|1800|2200
        TEA-LEAVES|Tea leaves, by the kilogram|KGM|31.995|1200|1500|900
        SALT-SEA|Sea salt, by the kilogram|KGM|4.20|5000|3200|4000
        AXE-CAMP|Camp axe|EA|74.00|2600|1700|2000
        KNIFE-FOLD|Folding knife|EA|48.50|5200|3300|4100
        CHAIR-CAMP|Camp chair|EA|84.00|3400|2200|2700
        TABLE-CAMP|Camp table|EA|139.00|1600|1000|1300
        LAMP-LIMITED|Table lamp, limited edition|EA|420.00|4|2|0
        CLOCK-SHIP|Ship's clock, out of stock|EA|310.00|0|0|0
    """,
}
_NO_LONGER = """
    DISPLAY-STAND|Display stand for shops|EA|60.00|20|10|10|not_for_sale
    TENT-1P-2019|Tent for one, model 2019|EA|99.00|0|0|0|discontinued
"""


def _products() -> tuple[Product, ...]:
    rows = [(category, line) for category, text in _PRODUCTS.items() for line in text.strip().splitlines()]
    rows += [("Outdoor", line) for line in _NO_LONGER.strip().splitlines()]
    return tuple(_product(category, line.strip().split("|")) for category, line in rows)


def _product(category: str, cells: list[str]) -> Product:
    code, name, unit, list_price, *rest = cells
    codes = [warehouse.code for warehouse in WAREHOUSES]
    stock = {warehouse: int(cell) for warehouse, cell in zip(codes, rest, strict=False)}
    state = rest[len(codes)] if len(rest) > len(codes) else "sold"
    return msgspec.convert(
        {
            "code": code,
            "name": name,
            "unit": unit,
            "category": category,
            "list_price": list_price,
            "stock": stock,
            "state": state,
        },
        Product,
    )


# name, street, postal code, city, country
_ORGANISATIONS = """
    Alpenblick Sporthandel|Maximilianstraße 12|80539|München|DE
    Nordwind Ausrüstung|Jungfernstieg 40|20354|Hamburg|DE
    Bergkristall Versand|Lange Gasse 7|1080|Wien|AT
    Gipfelstürmer Läden|Bahnhofstrasse 88|8001|Zürich|CH
    Chalet & Lac|Rue du Rhône 30|1204|Genève|CH
    Sentier Libre|Rue de la République 21|69002|Lyon|FR
    Maison du Randonneur|Cours Mirabeau 5|13100|Aix-en-Provence|FR
    De Wandelwinkel|Oudegracht 112|3511 AV|Utrecht|NL
    Polder Outdoor|Witte de Withstraat 9|3012 BL|Rotterdam|NL
    Fells & Dales|14 Market Place|LA9 4TN|Kendal|GB
    Kestrel Mountain Shops|3 Princes Street|EH2 2AN|Edinburgh|GB
    Thames Trail Supply|77 Borough High Street|SE1 1NH|London|GB
    Hudson Outfitters|210 Warren Street|12534|Hudson|US
    Cascade Gear Works|1820 Pike Street|98101|Seattle|US
    Granite State Camping|55 Elm Street|03101|Manchester|US
    Big Sky Provisioners|9 Main Street|59715|Bozeman|US
    Lakeshore General Store|401 Superior Street|55802|Duluth|US
    Kiel Segel & Zelt|Holstenstraße 33|24103|Kiel|DE
    Schwarzwald Haus|Kaiser-Joseph-Straße 150|79098|Freiburg|DE
    Dresdner Wanderladen|Königstraße 4|01097|Dresden|DE
    Tiroler Hütte|Museumstraße 19|6020|Innsbruck|AT
    Inselhandel Rügen|Hauptstraße 2|18546|Sassnitz|DE
    Bretagne Nautique|Quai de la Fosse 60|44000|Nantes|FR
    Cotswold Home & Field|8 High Street|GL54 1AA|Stow-on-the-Wold|GB
"""
_PERSONS = """
    Anna Müller|Lindenweg 3|10115|Berlin|DE
    Jonas Weiß|Goethestraße 18|60313|Frankfurt am Main|DE
    Lea Schröder|Am Markt 1|28195|Bremen|DE
    Paul Öztürk|Sonnenallee 99|12045|Berlin|DE
    Marie Jäger|Rosenstraße 22|50678|Köln|DE
    Felix Brandt|Karlsplatz 6|80335|München|DE
    Sophie König|Schillerplatz 10|70173|Stuttgart|DE
    Lukas Gruber|Mariahilfer Straße 45|1060|Wien|AT
    Hannah Egger|Getreidegasse 14|5020|Salzburg|AT
    Noah Baumann|Spalenberg 12|4051|Basel|CH
    Mia Favre|Rue de Bourg 8|1003|Lausanne|CH
    Camille Bénard|Rue Mouffetard 55|75005|Paris|FR
    Hugo Lefèvre|Rue Sainte-Catherine 102|33000|Bordeaux|FR
    Chloé Nguyên|Avenue Jean Jaurès 31|31000|Toulouse|FR
    Daan de Vries|Prinsengracht 263|1016 GV|Amsterdam|NL
    Sanne van den Berg|Grote Markt 20|9712 HN|Groningen|NL
    Oliver Whitcombe|22 Clifton Road|BS8 1AF|Bristol|GB
    Amelia Thornbury|5 Stonegate|YO1 8AS|York|GB
    George O'Neill|17 Botanic Avenue|BT7 1JG|Belfast|GB
    Isla MacLeod|40 Byres Road|G11 5RG|Glasgow|GB
    Emma Castellano|1200 Valencia Street|94110|San Francisco|US
    Liam Abernathy|88 Beacon Street|02108|Boston|US
    Olivia Nakamura|640 Aspen Avenue|80302|Boulder|US
    Noah St. Clair|15 Dauphine Street|70112|New Orleans|US
    Ava Ramírez|731 Congress Avenue|78701|Austin|US
    Ethan Kowalski|2450 Milwaukee Avenue|60647|Chicago|US
    Zoë Lindqvist|910 Hawthorne Boulevard|97214|Portland|US
    Matteo Rossi|Torstraße 140|10119|Berlin|DE
    Ewa Wójcik|Alaunstraße 70|01099|Dresden|DE
    José García|Hohe Straße 8|04107|Leipzig|DE
    Ingrid Sørensen|Flensburger Straße 5|24837|Schleswig|DE
    Fatima El-Amin|Rue de Béthune 44|59800|Lille|FR
    Theo Fairweather|63 Bold Street|L1 4EU|Liverpool|GB
    Grace Holloway|11 Pearl Street|05401|Burlington|US
"""
_NOT_OPEN = """
    Insolvenz Handels-Kontor|Industriestraße 70|45127|Essen|DE|organisation|blocked
    Vormals Zelte & Mehr|Alter Markt 9|24103|Kiel|DE|organisation|closed
"""
_CURRENCY_OF = {"CH": "CHF", "GB": "GBP", "US": "USD"}
# Only countries that keep numbers for fiction; elsewhere nobody has a telephone.
_PHONE_OF = {"DE": "+49 30 23125 {0:03d}", "GB": "+44 20 7946 0{0:03d}", "US": "+1 202 555 0{0:03d}"}
_NUMBER_FIRST = 1_001


def _customers() -> tuple[Customer, ...]:
    rows = [(line.strip(), "organisation", "open") for line in _ORGANISATIONS.strip().splitlines()]
    rows += [(line.strip(), "person", "open") for line in _PERSONS.strip().splitlines()]
    for line in _NOT_OPEN.strip().splitlines():
        cells, kind, state = line.strip().rsplit("|", 2)
        rows.append((cells, kind, state))
    return tuple(_customer(_NUMBER_FIRST + index, *row) for index, row in enumerate(rows))


def _customer(number: int, cells: str, kind: str, state: str) -> Customer:
    name, street, postal_code, city, country = cells.split("|")
    serial = number - _NUMBER_FIRST + 100
    return msgspec.convert(
        {
            "number": f"C-{number}",
            "name": name,
            "kind": kind,
            "email": f"c-{number}@example.com",
            "phone": _PHONE_OF.get(country, "").format(serial),
            "street": street,
            "postal_code": postal_code,
            "city": city,
            "country": country,
            "currency": _CURRENCY_OF.get(country, COMPANY_CURRENCY),
            "state": state,
        },
        Customer,
    )


PRODUCTS: tuple[Product, ...] = _products()
CUSTOMERS: tuple[Customer, ...] = _customers()
