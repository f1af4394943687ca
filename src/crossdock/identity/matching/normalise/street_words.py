"""What streets are called and how people shorten it, in English, German, French, Spanish and Italian.

United States suffixes after USPS Publication 28, appendix C1, as far as they are in common use.
"""

_SHORT = {
    "street": "st str strt",
    "avenue": "av ave aven",
    "road": "rd",
    "boulevard": "blvd boul bd bld bvd",
    "drive": "dr drv",
    "lane": "ln",
    "court": "ct crt",
    "place": "pl plc",
    "square": "sq sqr",
    "terrace": "ter terr tce",
    "circuit": "cct cir circ",
    "crescent": "cr cres crs",
    "parade": "pde",
    "highway": "hwy hway",
    "parkway": "pkwy pwy",
    "close": "cl",
    "grove": "gr gve grv",
    "gardens": "gdns gdn garden",
    "heights": "hts",
    "mount": "mt",
    "trail": "trl",
    "alley": "aly",
    "expressway": "expy",
    "esplanade": "esp",
    "loop": "lp",
    "way": "wy",
    "strasse": "strasze",
    "platz": "",
    "weg": "",
    "allee": "al all",
    "gasse": "g",
    "ring": "",
    "damm": "",
    "ufer": "",
    "rue": "r",
    "chemin": "ch che chem",
    "route": "rte",
    "impasse": "imp",
    "faubourg": "fbg fg",
    "quai": "q",
    "calle": "c cl cll",
    "avenida": "avda avd",
    "plaza": "pza plza",
    "paseo": "pso po",
    "carretera": "ctra crta",
    "camino": "cno",
    "via": "v",
    "viale": "vle",
    "piazza": "pzza",
    "corso": "cso",
    "largo": "lgo",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
    "saint": "ste sankt san santa",
    "doctor": "",
    "apartment": "apt app appt apartamento wohnung whg",
    "floor": "fl etage og stock piso",
    "building": "bldg geb",
    "unit": "unt",
    "suite": "ste",
    "room": "rm",
}
LONG = {short: word for word, shorts in _SHORT.items() for short in shorts.split()} | {
    word: word for word in _SHORT
}
"""Each way to write one of these words to its long form."""

STREET_TYPES = frozenset(
    """
    street avenue road boulevard drive lane court place square terrace circuit crescent parade
    highway parkway close grove gardens heights trail alley expressway esplanade loop way strasse
    platz weg allee gasse ring damm ufer rue chemin route impasse faubourg quai calle avenida plaza
    paseo carretera camino via viale piazza corso largo
    """.split()
)
JOINED_ENDINGS = ("strasse", "strase", "str", "platz", "gasse", "allee", "weg")
"""German writes the type onto the name."""

UNIT_WORDS = frozenset("apartment floor unit suite room".split())
