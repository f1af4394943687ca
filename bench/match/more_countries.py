"""Countries of which a retailer has fewer customers, told as in `countries`, and what "
"names are also written as."""

from bench.match.countries import DE, GB, US, Country, _towns, _words
from bench.match.dice import Weighted

FR = Country(
    "FR",
    "33",
    _words(
        "Jean Pierre Michel Philippe André Nicolas Alain Patrick Christophe Laurent Bernard Daniel "
        "François Thierry "
        "Jacques Frédéric Éric Stéphane Pascal Olivier David Thomas Alexandre Julien Gérard Sébastien Christian "
        "Jean-Pierre Antoine Guillaume Vincent Maxime Louis Benoît Hugo Lucas Jean-Claude René "
        "Jérôme Bruno Mathieu"
    ),
    _words(
        "Marie Nathalie Isabelle Sylvie Catherine Françoise Christine Martine Monique Valérie "
        "Sandrine Anne Véronique "
        "Nicole Sophie Céline Julie Camille Stéphanie Aurélie Émilie Chantal Jacqueline Brigitte Patricia Élodie "
        "Laurence Hélène Manon Léa Chloé Caroline Virginie Corinne Dominique Anne-Marie Agnès "
        "Florence Pauline Claire"
    ),
    _words(
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent "
        "Lefebvre Michel Garcia "
        "David Bertrand Roux Vincent Fournier Morel Girard André Lefèvre Mercier Dupont Lambert Bonnet François "
        "Martinez Legrand Garnier Faure Rousseau Blanc Guérin Muller Henry Roussel Nicolas Perrin Morin Mathieu "
        "Clément Gauthier Dumont Lopez Fontaine Chevalier Robin Masson Sanchez Gérard Nguyen Boyer Denis Lemaire"
    ),
    tuple("Beau Bel Bon Bois Cham Char Clair Des Du Fon Gran Haute La Lan Le Mal Mon Mont Ro Saint- Val".split()),
    tuple(
        "bert champ court don fort gnon lieu main mont neau pierre rand ric roy tier vier ville yer zac".split()
    ),
    _words(
        "Pasteur République Gare Victor-Hugo Jean-Jaurès Église Gambetta Général-de-Gaulle "
        "Jules-Ferry Mairie Moulin "
        "Voltaire Verdun Liberté Zola Fontaine Lilas Écoles Marché Château Paix Rosiers Molière Acacias Tilleuls"
    ),
    ("Rue {}", "Rue de la {}", "Avenue {}", "Boulevard {}", "Place {}", "Allée des {}", "Chemin du {}"),
    _towns(
        """Paris,750,1
        Marseille,130,4
        Lyon,690,4
        Toulouse,310,5
        Nice,060,4
        Nantes,440,2
        Strasbourg,670,3
        Montpellier,340,4
        Bordeaux,330,5
        Lille,590,3
        Rennes,350,2
        Grenoble,380,4"""
    ),
    "99999",
    ("60", "61", "62", "66", "67", "68", "76", "77", "78"),
    9,
    True,
    _words("gmail.com orange.fr hotmail.fr free.fr wanadoo.fr yahoo.fr laposte.net sfr.fr outlook.fr"),
    (("SARL", "S.A.R.L.", "Sarl"), ("SAS", "S.A.S."), ("SA", "S.A."), ("EURL", "E.U.R.L.")),
    0.5,
    "Apt {}",
)

NL = Country(
    "NL",
    "31",
    _words(
        "Jan Johannes Peter Hendrik Willem Cornelis Pieter Kees Henk Gerrit Martijn Jeroen Erik Sander Thomas Bas "
        "Daan Tim Lars Ruben Marco Dirk Wouter Stefan Joost Frank Rob Maarten Niels Bram Jasper Koen Thijs Luuk"
    ),
    _words(
        "Maria Johanna Anna Cornelia Wilhelmina Elisabeth Sandra Monique Marieke Linda Esther Ingrid Petra Anja "
        "Saskia Sanne Lisa Emma Femke Anouk Eva Lotte Marloes Judith Mirjam Ellen Annemarie Karin Ilse Fleur Iris"
    ),
    Weighted(
        "de Jong,Jansen,de Vries,van den Berg,van Dijk,Bakker,Janssen,Visser,Smit,Meijer,de Boer,Mulder,de Groot,"
        "Bos,Vos,Peters,Hendriks,van Leeuwen,Dekker,Brouwer,de Wit,Dijkstra,Smits,de Graaf,van der Meer,"
        "van der Linden,Kok,Jacobs,de Haan,Vermeulen,van den Heuvel,van der Veen,van den Broek,de Bruijn,van Beek,"
        "Schouten,Willems,van Vliet,Hoekstra,Verhoeven,Koster,van Dam,Prins,Blom,Huisman,Peeters,Kuipers".split(
            ","
        )
    ),
    tuple(
        "van der , van , de , ter ,Bos,Veld,Brink,Dijk,Hof,Hoek,Kool,Meul,Nieuw,Oost,Schip,Veen,West,Zand".split(
            ","
        )
    ),
    tuple("man huis berg dam stra hof steeg kamp boer veld laar mans wijk haar horst poel".split()),
    _words(
        "Kerk Dorps School Molen Juliana Wilhelmina Beatrix Nieuw Stations Eiken Beuken Linden "
        "Hoofd Park Meidoorn "
        "Industrie Koning Prins-Hendrik Oranje Kastanje Berken Tulpen Rozen Haven Markt Veld Noord Zuid Oost West"
    ),
    ("{}straat", "{}straat", "{}weg", "{}laan", "{}plein", "{}hof", "{}singel"),
    _towns(
        """Amsterdam,101,20
        Rotterdam,301,10
        Den Haag,251,70
        Utrecht,351,30
        Eindhoven,561,40
        Groningen,971,50
        Tilburg,501,13
        Breda,481,76
        Nijmegen,651,24
        Haarlem,201,23"""
    ),
    "9999 AA",
    ("61", "62", "63", "64", "65", "68"),
    9,
    False,
    _words("gmail.com hotmail.com ziggo.nl kpnmail.nl outlook.com live.nl planet.nl xs4all.nl home.nl"),
    (("B.V.", "BV", "bv"), ("N.V.", "NV"), ("V.O.F.", "VOF")),
    0.4,
    "{} hs",
)

IT = Country(
    "IT",
    "39",
    _words(
        "Giuseppe Giovanni Antonio Mario Luigi Francesco Angelo Vincenzo Marco Alessandro Andrea Roberto Stefano "
        "Paolo Salvatore Luca Matteo Davide Carlo Franco Domenico Bruno Fabio Massimo Claudio "
        "Simone Lorenzo Nicolò"
    ),
    _words(
        "Maria Anna Giulia Francesca Rosa Laura Paola Angela Giovanna Sara Elena Chiara Valentina "
        "Alessandra Teresa "
        "Lucia Federica Silvia Martina Roberta Monica Giuseppina Elisa Simona Daniela Claudia "
        "Caterina Barbara Sofia"
    ),
    _words(
        "Rossi Ferrari Russo Bianchi Romano Gallo Costa Fontana Conti Esposito Ricci Bruno Rizzo "
        "Moretti Marino Greco "
        "Barbieri Lombardi Giordano Colombo Mancini Longo Leone Martinelli Marchetti Martini Galli Gatti Mariani "
        "Ferrara Santoro Marini Bianco Conte Serra Farina Gentile Caruso Morelli Ferri Testa Ferraro Pellegrini "
        "D'Angelo D'Amico De_Luca De_Santis Di_Stefano Lo_Presti".replace("_", "\N{NO-BREAK SPACE}")
    ),
    tuple("Bel Bon Cam Cap Cas Col Fer Gal Gran Mar Mon Pel Per Pic San Sal Tor Val Ven Vil".split()),
    tuple("ani asi cini doni elli etti fredi gari lini mano netti olli pani rini sio tini udo zoni".split()),
    _words(
        "Roma Garibaldi Mazzini Dante Cavour Marconi Verdi Matteotti Gramsci Manzoni Vittorio-Emanuele Kennedy "
        "Leopardi Colombo Venezia Milano Torino San-Martino Repubblica Carducci Diaz Battisti Europa Moro"
    ),
    ("Via {}", "Via {}", "Viale {}", "Piazza {}", "Corso {}", "Vicolo {}"),
    _towns(
        """Roma,001,06
        Milano,201,02
        Napoli,801,081
        Torino,101,011
        Palermo,901,091
        Genova,161,010
        Bologna,401,051
        Firenze,501,055
        Verona,371,045
        Padova,351,049"""
    ),
    "99999",
    ("320", "328", "333", "338", "340", "347", "348", "366", "389"),
    10,
    False,
    _words("gmail.com libero.it hotmail.it alice.it yahoo.it virgilio.it tiscali.it outlook.it icloud.com"),
    (("S.r.l.", "SRL", "Srl"), ("S.p.A.", "SPA", "Spa"), ("S.n.c.", "SNC"), ("S.a.s.", "SAS")),
    0.05,
    "Int. {}",
)

ES = Country(
    "ES",
    "34",
    _words(
        "Antonio José Manuel Francisco David Juan Javier Daniel Carlos Jesús Alejandro Miguel "
        "Rafael Pedro Pablo Ángel "
        "Sergio Fernando Jorge Luis Alberto Álvaro Adrián Diego Raúl Iván Rubén Enrique Óscar Ramón Vicente Andrés"
    ),
    _words(
        "Carmen Ana Isabel Laura Cristina Marta Dolores Lucía Paula Elena Pilar Raquel Sara Mercedes Rosa Beatriz "
        "Nuria Silvia Julia Patricia Irene Andrea Rocío Mónica Alba Teresa Montserrat Alicia Sonia Sandra Marina"
    ),
    _words(
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez "
        "Hernández Ruiz Díaz "
        "Moreno Muñoz Álvarez Romero Gutiérrez Alonso Torres Domínguez Ramos Vázquez Ramírez Gil Serrano Morales "
        "Molina Blanco Suárez Castro Ortega Delgado Ortiz Marín Rubio Núñez Medina Castillo Cortés Garrido Santos"
    ),
    tuple("Al Ar Bar Ber Cal Can Car Cas Gal Guz Her Ler Mal Men Mon Pal Pas Sal San Tor Val Vil Zam".split()),
    tuple("ada ales ano arro eda era illo iño mero ndez ola ora osa ro tana vedra zano".split()),
    _words(
        "Mayor Real Constitución España Cervantes Iglesia Andalucía Goya Cataluña San-Juan Nueva "
        "Sol Colón Velázquez "
        "Santiago Alcalá Rosario Libertad Castilla Valencia Fuente Molino Prado Victoria Carmen Olmo"
    ),
    ("Calle {}", "Calle {}", "Avenida {}", "Plaza {}", "Paseo {}", "Camino {}"),
    _towns(
        """Madrid,280,91
        Barcelona,080,93
        Valencia,460,96
        Sevilla,410,95
        Zaragoza,500,976
        Málaga,290,952
        Bilbao,480,94
        Murcia,300,968
        Valladolid,470,983"""
    ),
    "99999",
    ("600", "610", "620", "630", "650", "660", "670", "690"),
    9,
    False,
    _words("gmail.com hotmail.com yahoo.es outlook.es telefonica.net icloud.com hotmail.es"),
    (("S.L.", "SL"), ("S.A.", "SA"), ("S.L.U.", "SLU")),
    0.0,
    "{}º A",
)

COUNTRIES = (US, US, US, GB, GB, DE, DE, DE, DE, FR, FR, NL, IT, ES)
"""One of these is drawn for each household."""

NICKNAMES = {
    formal: short.split("/")
    for formal, short in (
        pair.split("=")
        for pair in (
            "Robert=Bob/Rob/Bobby William=Bill/Will/Billy James=Jim/Jimmy/Jamie John=Jack/Johnny "
            "Michael=Mike/Mick "
            "Richard=Rick/Dick/Rich Thomas=Tom/Tommy Christopher=Chris Daniel=Dan/Danny Matthew=Matt Anthony=Tony "
            "Steven=Steve Stephen=Steve Andrew=Andy/Drew Joshua=Josh Kenneth=Ken/Kenny Timothy=Tim "
            "Edward=Ed/Eddie/Ted "
            "Jeffrey=Jeff Nicholas=Nick Jonathan=Jon Benjamin=Ben Samuel=Sam Gregory=Greg Alexander=Alex/Sascha "
            "Patrick=Pat Raymond=Ray Joseph=Joe/Joey Charles=Charlie/Chuck Ronald=Ron David=Dave Donald=Don "
            "Philip=Phil Peter=Pete Oliver=Ollie Elizabeth=Liz/Beth/Betty/Lisa Jennifer=Jen/Jenny "
            "Patricia=Pat/Trish "
            "Margaret=Maggie/Peggy/Meg Katherine=Kate/Kathy/Katie Catherine=Cathy/Kate Kathleen=Kathy "
            "Deborah=Debbie/Deb Debra=Deb Susan=Sue/Susie Rebecca=Becky Barbara=Barb Kimberly=Kim Jessica=Jess "
            "Christine=Chris/Tina Christina=Tina/Chris Victoria=Vicky/Tori Samantha=Sam Amanda=Mandy Pamela=Pam "
            "Jacqueline=Jackie Stephanie=Steph/Steffi Stefanie=Steffi Abigail=Abby Madison=Maddie "
            "Charlotte=Lottie "
            "Melissa=Missy Cynthia=Cindy Sandra=Sandy Teresa=Terry/Tess Judith=Judy Dorothy=Dot Alison=Ali "
            "Joanne=Jo Maureen=Mo Caroline=Caro Franziska=Franzi Katharina=Kathi/Käthe Johanna=Hanna "
            "Sebastian=Basti Maximilian=Max Wolfgang=Wolf Johannes=Hans/Jan Karl-Heinz=Kalle Hans-Peter=HP "
            "Susanne=Susi Gabriele=Gabi Brigitte=Gitte Angelika=Geli Michaela=Michi Andreas=Andi "
            "Joachim=Jochen/Achim "
            "Christian=Chris Tobias=Tobi Philipp=Phil Florian=Flo Ursula=Uschi Giuseppe=Beppe/Peppe "
            "Francesco=Franco "
            "Salvatore=Totò Alessandro=Sandro Francisco=Paco José=Pepe Manuel=Manolo Dolores=Lola Mercedes=Merche "
            "Francesca=Franca Cornelis=Kees/Cor Hendrik=Henk Willem=Wim Wilhelmina=Mina Nicolas=Nico "
            "Alexandre=Alex"
        ).split()
    )
}
"""Short forms by the full one, by heart."""
