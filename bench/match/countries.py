"""Common names, streets and towns of some countries, most frequent first.

Short lists written down from general knowledge; the long tail of surnames is made of the parts they are usually
made of, so that a million people do not share a hundred names.
"""

from dataclasses import dataclass

from bench.match.dice import Weighted


@dataclass(frozen=True)
class Country:
    """What people of a country are called, and where they live.

    Towns are `(name, first digits of the postcode, dialling code without 0, region)`. A street pattern has one
    place for the stem; `postcode` gives its form, 9 for a digit and A for a letter; `mobile` the first digits.
    """

    code: str
    calling: str
    men: Weighted
    women: Weighted
    surnames: Weighted
    heads: tuple[str, ...]
    tails: tuple[str, ...]
    stems: Weighted
    patterns: tuple[str, ...]
    towns: tuple[tuple[str, str, str, str], ...]
    postcode: str
    mobile: tuple[str, ...]
    phone_digits: int
    house_first: bool
    mails: Weighted
    forms: tuple[tuple[str, ...], ...]
    takes_name: float
    flat: str


def _words(text: str) -> Weighted:
    return Weighted(text.split())


def _towns(text: str) -> tuple[tuple[str, str, str, str], ...]:
    found = []
    for line in text.strip().splitlines():
        name, digits, dialling, *region = line.strip().split(",")
        found.append((name, digits, dialling, region[0] if region else ""))
    return tuple(found)


US = Country(
    "US",
    "1",
    _words(
        "James Michael Robert John David William Richard Joseph Thomas Christopher Charles Daniel Matthew Anthony "
        "Mark Steven Donald Andrew Joshua Paul Kenneth Kevin Brian Timothy Ronald Jason George "
        "Edward Jeffrey Ryan "
        "Jacob Nicholas Gary Eric Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander "
        "Patrick Frank Raymond Jack Dennis Jerry Tyler Aaron Jose Adam Nathan Henry Zachary Douglas Peter Kyle "
        "Noah Ethan Jeremy Walter Christian Keith Austin Roger Terry Sean Gerald Carl Dylan Harold Jordan Jesse"
    ),
    _words(
        "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Karen Sarah Lisa Nancy Sandra Betty Ashley "
        "Emily Kimberly Margaret Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca "
        "Sharon Laura Cynthia "
        "Dorothy Amy Kathleen Angela Shirley Emma Brenda Pamela Nicole Anna Samantha Katherine Christine Debra "
        "Rachel Carolyn Janet Maria Olivia Heather Helen Catherine Diane Julie Victoria Joyce Lauren Kelly "
        "Christina Ruth Joan Virginia Judith Evelyn Hannah Andrea Megan Cheryl Jacqueline Madison Teresa Abigail"
    ),
    _words(
        "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez "
        "Gonzalez Wilson "
        "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis "
        "Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall "
        "Rivera Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz "
        "Edwards Collins Reyes "
        "Stewart Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey "
        "Reed Kelly Howard "
        "Ramos Kim Cox Ward Richardson Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz Hughes Price "
        "Alvarez Castillo Sanders Patel Myers Long Ross Foster Jimenez O'Brien McDonald Sullivan Kowalski Novak"
    ),
    tuple(
        "Ash Black Brad Bur Carl Ches Clay Den El Fair Gil Hal Har Hol Kirk Lang Mar Nor Pem Rad Ship Stan Thorn "
        "Wal Wen Whit Win Wor Mac Mc Fitz Van Gold Rosen Stein".split()
    ),
    tuple(
        "ton ford ley field worth wood berg man land bury well more by ham son stead kins wick gate strom".split()
    ),
    _words(
        "Main Oak Maple Cedar Pine Washington Lake Hill Walnut Spring North Ridge Church Willow "
        "Meadow Sunset Park "
        "Lincoln Jackson River Forest Highland Jefferson Cherry Dogwood Hickory Madison Franklin Chestnut Adams "
        "Poplar Laurel Magnolia Sycamore Valley Birch Mill Adela Brentwood Canyon Fairview Orchard "
        "Lakeview Monroe "
        "Hamilton Prospect Railroad Cottonwood Pleasant Elm Locust Juniper Aspen Heritage Summit "
        "Colonial Bay Harbor"
    ),
    (
        "{} Street",
        "{} Avenue",
        "{} Road",
        "{} Drive",
        "{} Lane",
        "{} Court",
        "{} Boulevard",
        "{} Way",
        "{} Circle",
    ),
    _towns(
        """New York,100,212,NY
        Los Angeles,900,213,CA
        Chicago,606,312,IL
        Houston,770,713,TX
        Phoenix,850,602,AZ
        Philadelphia,191,215,PA
        San Antonio,782,210,TX
        San Diego,921,619,CA
        Dallas,752,214,TX
        Columbus,432,614,OH
        Charlotte,282,704,NC
        Seattle,981,206,WA
        Denver,802,303,CO
        Boston,021,617,MA
        Nashville,372,615,TN
        Portland,972,503,OR
        Las Vegas,891,702,NV
        Springfield,627,217,IL
        Madison,537,608,WI
        Richmond,232,804,VA
        Boise,837,208,ID
        Tulsa,741,918,OK"""
    ),
    "99999",
    ("646", "310", "773", "832", "480", "267", "972", "425", "720", "857"),
    10,
    True,
    _words(
        "gmail.com yahoo.com hotmail.com outlook.com icloud.com aol.com comcast.net verizon.net msn.com att.net"
    ),
    (
        ("Inc.", "Inc", "Incorporated"),
        ("LLC", "L.L.C.", "Llc"),
        ("Corp.", "Corporation", "Corp"),
        ("Co.", "Company"),
    ),
    0.7,
    "Apt {}",
)

GB = Country(
    "GB",
    "44",
    _words(
        "David John Michael Paul Andrew Peter James Robert Stephen Mark Richard Christopher "
        "William Anthony Thomas "
        "Ian Alan Kevin Daniel Matthew Philip Simon Steven Jack Martin Graham George Nicholas Edward Joseph Gary "
        "Oliver Harry Charles Adam Colin Benjamin Samuel Kenneth Alexander Neil Keith Luke Jonathan Ryan Barry "
        "Timothy Patrick Stuart Callum Derek Trevor Geoffrey Nigel Dennis Liam Roger Connor Gareth Ronald Jordan"
    ),
    _words(
        "Susan Margaret Sarah Patricia Elizabeth Mary Jean Christine Julie Karen Helen Emma "
        "Jacqueline Laura Claire "
        "Jennifer Linda Rebecca Amanda Charlotte Rachel Lisa Emily Catherine Deborah Angela Barbara Victoria Jane "
        "Alison Ann Sophie Samantha Hannah Jessica Nicola Carol Tracey Lucy Gillian Sandra Dorothy "
        "Maureen Katherine "
        "Amy Olivia Chloe Louise Joanne Wendy Sheila Pauline Janet Valerie Fiona Megan Natalie "
        "Joan Caroline Lesley"
    ),
    _words(
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson "
        "Evans Walker White "
        "Roberts Green Hall Thomas Clarke Jackson Wood Harris Edwards Turner Martin Cooper Hill Ward Hughes Moore "
        "Clark King Harrison Lewis Baker Lee Allen Morris Khan Scott Watson Davis Parker James Bennett Young "
        "Phillips Richardson Mitchell Bailey Carter Cook Singh Shaw Bell Collins Morgan Kelly Begum Miller Cox "
        "Hussain Marshall Simpson Price Anderson Adams Wilkinson Foster Ellis Murphy Chapman Mason Gray Richards "
        "Webb Rogers Palmer Hunt Holmes Mills Stevens Fletcher Barnes Knight Matthews MacDonald O'Connor Ahmed"
    ),
    tuple(
        "Ash Bick Black Brad Brom Cal Chad Clap Dun East Farn Gals Green Hard Har Hazel Hol Kings Lang Lin Maddi "
        "Nor Old Pen Rams Red Rip Scar Shel South Stan Tat Thorn Up Wal West Whit Wil Win Wool".split()
    ),
    tuple(
        "ton ford ley field worth wood bury ham by well more stead wick don ster combe thorpe croft shaw".split()
    ),
    _words(
        "High Station Church Park Victoria Green Manor Kings Queens New Mill London Albert York Alexandra School "
        "Springfield George Richmond Windsor Grange Chapel Broad North South West Cromwell Chester Stanley Oxford "
        "Highfield Grove Meadow Elm Beech Birch Ash Oak Cedar Orchard Castle Bridge Rectory Clarence Hawthorn"
    ),
    (
        "{} Street",
        "{} Road",
        "{} Lane",
        "{} Avenue",
        "{} Close",
        "{} Drive",
        "{} Gardens",
        "{} Crescent",
        "{} Way",
    ),
    _towns(
        """London,SW1,20
        London,E1,20
        Birmingham,B1,121
        Leeds,LS1,113
        Glasgow,G1,141
        Sheffield,S1,114
        Manchester,M1,161
        Liverpool,L1,151
        Bristol,BS1,117
        Cardiff,CF1,29
        Leicester,LE1,116
        Edinburgh,EH1,131
        Nottingham,NG1,115
        Reading,RG1,118
        Brighton,BN1,1273
        York,YO1,1904
        Oxford,OX1,1865
        Norwich,NR1,1603"""
    ),
    "9 9AA",
    ("7400", "7500", "7700", "7710", "7800", "7810", "7900", "7970"),
    10,
    True,
    _words(
        "gmail.com hotmail.co.uk hotmail.com yahoo.co.uk outlook.com btinternet.com sky.com icloud.com live.co.uk"
    ),
    (("Ltd", "Limited", "Ltd."), ("PLC", "plc", "P.L.C."), ("LLP", "L.L.P.")),
    0.65,
    "Flat {}",
)

DE = Country(
    "DE",
    "49",
    _words(
        "Peter Michael Thomas Andreas Wolfgang Klaus Jürgen Stefan Christian Uwe Werner Horst "
        "Frank Dieter Manfred "
        "Hans Markus Martin Matthias Günter Bernd Jörg Alexander Daniel Jan Rainer Heinz Ralf Jens "
        "Tobias Sebastian "
        "Florian Christoph Karl-Heinz Gerhard Helmut Lukas Maximilian Felix Tim Philipp Dirk Oliver Sven Torsten "
        "Marcel Joachim Hans-Peter Marco Olaf Holger Ulrich René Björn Kevin Jonas Leon Fabian Patrick Erik Götz"
    ),
    _words(
        "Sabine Susanne Petra Monika Renate Ursula Claudia Andrea Birgit Karin Brigitte Helga "
        "Martina Angelika Anna "
        "Julia Nicole Christine Stefanie Heike Ingrid Maria Gabriele Katrin Sandra Gisela Anja Barbara Silke Ute "
        "Christina Melanie Katharina Laura Sarah Lisa Kerstin Anke Ulrike Elke Jutta Sonja Tanja Daniela Marion "
        "Bärbel Käthe Jana Franziska Lea Hannah Sophie Johanna Jessica Michaela Regina Doris "
        "Cornelia Jennifer Grit"
    ),
    _words(
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch "
        "Bauer Richter Klein "
        "Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt "
        "Werner Schmitz Krause "
        "Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs "
        "Peters Lang Scholz "
        "Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth "
        "Beck Lorenz Baumann "
        "Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer Vogt Stein Jäger Otto "
        "Sommer Groß Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn "
        "Pohl Engel Horn "
        "Kaya Demir Nowak Kowalski Öztürk Wiśniewski Hoxha Nguyen"
    ),
    tuple(
        "Alten Berg Birken Breiten Buchen Ditt Eich Els Feld Gold Grün Hagen Hasel Heiden Hirsch Höl Kalten Kirch "
        "Kloster Linden Löwen Mühl Neu Ober Reichen Ritter Rosen Rüd Schön Stein Strauß Tannen Wald Weiden Winkel "
        "Zell".split()
    ),
    tuple("mann berg bach hofer meier müller feld thal stein haus kamp brink rieder ner huber dorf brand".split()),
    _words(
        "Haupt Schul Garten Dorf Bahnhof Berg Birken Linden Kirch Wald Ring Schiller Goethe Mozart Beethoven Feld "
        "Wiesen Mühlen Rosen Industrie Tannen Buchen Eichen Ahorn Mittel Friedhof Jahn Post Brunnen Amsel Sonnen "
        "Bach Flieder Finken Lessing Kant Schloss Park Burg Heide Sand Ufer Markt Hermann-Löns- Robert-Koch- "
        "Albert-Einstein- Kastanien Ulmen Drossel Weinberg Kloster Nord Süd"
    ),
    ("{}straße", "{}straße", "{}straße", "{}weg", "{}weg", "{}allee", "{}gasse", "{}platz", "{}ring"),
    _towns(
        """Berlin,101,30
        Berlin,124,30
        Hamburg,203,40
        München,803,89
        Köln,506,221
        Frankfurt am Main,603,69
        Stuttgart,701,711
        Düsseldorf,402,211
        Leipzig,041,341
        Dortmund,441,231
        Essen,451,201
        Bremen,281,421
        Dresden,010,351
        Hannover,301,511
        Nürnberg,904,911
        Bielefeld,336,521
        Münster,481,251
        Karlsruhe,761,721
        Würzburg,970,931
        Göttingen,370,551
        Lübeck,235,451"""
    ),
    "99999",
    ("151", "152", "157", "160", "170", "171", "172", "175", "176", "179"),
    11,
    False,
    _words(
        "gmx.de web.de gmail.com t-online.de freenet.de outlook.de yahoo.de arcor.de hotmail.de googlemail.com"
    ),
    (
        ("GmbH", "G.m.b.H.", "Gesellschaft mit beschränkter Haftung", "GMBH"),
        ("GmbH & Co. KG", "GmbH + Co KG", "GmbH & Co.KG"),
        ("AG", "Aktiengesellschaft"),
        ("e.K.", "e. K.", "eK"),
        ("OHG", "oHG"),
    ),
    0.65,
    "{}. OG",
)
