"""Given names and what their bearers are called: short forms, pet names, forms in neighbouring languages.

Collected from common knowledge of English, German, French, Spanish, Italian, Dutch and Slavic usage. Each line
begins with the
name that stands for all of it. A short form of two names (`alex`, `chris`) leads to one root for both.
"""

_LINES = """
abraham abe bram
adelaide addie ada
adrian adriano adrien
agnes aggie
albert al bert bertie alberto albrecht
alexander alex alec alexandre alejandro alessandro aleksandr aleksander sasha sandy xander lex alexandra sandra
alexa alfred alf alfie fred alfredo
alison ali allie
amelia amy millie emilia amelie
andrew andy drew andreas andre andrea andres andrei anders andrzej
angela angie angelika angelique angelina
ann anna anne annie anita anya ana anni annette hannah hanna nan nancy
anthony tony anton antonio antoine toni antony antoni
arthur art artie arturo
augustus gus august augustin auguste
barbara barb babs barbie bab basia
bartholomew bart
beatrice bea trixie beatrix beatriz
benjamin ben benny benji benno
bernard bernie bernd bernhard bernardo
bridget biddy bridie birgit brigitte
bruce brucie
cameron cam
carl karl charles charlie chuck chas carlos carlo chaz karel karol
caroline carol carrie caro carolin carolina karoline karolina
catherine cathy kate katie kathy katherine kathryn cathryn kitty kat katharina katrin kathrin catarina caterina
katja kathleen kay katarzyna cecilia cissy celia cecile cecily
charlotte lottie lotte char carlotta
christina chrissy tina kristina cristina christine kirsten kerstin krista christa
christopher chris kit kris topher christoph christophe cristobal kristof christian kristian christiaan krzysztof
clarence clare
claudia claudette claudine
cornelius con connie cornelis kees
cynthia cindy
daniel dan danny daniele danilo
david dave davy davide davey dai
deborah deb debbie debra
dennis den denny denis
diana di diane
dominic dom nick dominik dominique domingo
donald don donnie
dorothy dot dottie dolly dora dorothea dorothee doris
douglas doug
edmund ed ned
edward eddie ted teddy eduard edouard eduardo edoardo
eleanor ellie nell nellie nora lenore eleonore eleonora elinor leonora
elizabeth liz lizzie beth betty bess bessie betsy eliza elsie libby lisa elisabeth elisa else ilse lise liesel
isabel isabella isabelle elspeth elzbieta bella ellen helen helena helene elena nelly ella elaine
emily em emmy emilie
emma emm
eric erik erich rick
ernest ernie ernst ernesto
eugene gene eugen eugenio
eva eve evi evelyn evie
ferdinand fernando nando ferdi
florence flo flossie florrie florentine
frances fran francesca francoise franziska fanny franny
francis frank frankie franz francois francisco paco pancho francesco
frederick freddie fredric friedrich fritz frederic federico frederik fredrick freddy
gabriel gabe gabriele gabi gabrielle gaby gabriela
gail gayle abigail abby abbie
geoffrey geoff jeffrey jeff jeffery jeffry gottfried
george georg georgie jorge georges giorgio jorg jurgen yuri georgi jerzy
gerald gerry jerry gerard gerhard gerd gerardo geraldine
gertrude gertie trudy gertrud
giovanna gianna
gregory greg gregor gregorio grzegorz gregoire
guy guido
hannibal hanni
harold hal
harriet hattie harrie
henry harry hank heinrich henri enrique enrico hendrik heinz heiner henrik henryk
herbert herb bertie heribert
hubert hugh hugo huberto
ignatius ignacio ignaz inigo
ian iain
irene rene irena
isaac ike zac
jacob jake jakob jacobo jacopo
james jim jimmy jamie jem jaime diego iago giacomo jacques
jane janie jenny janet jeanette janice jayne
jason jay
jean jeanne joan joanna johanna joanne jo giovanna juana hanne jeannie
jennifer jen jenna jennie
jeremy jez jeremiah jerome hieronymus
jessica jess jessie jessy
joachim jochen joaquin achim
john johnny jack jackie jon jean johann johannes hans juan ivan jan giovanni joao jonny sean shaun shawn ian
evan jens gianni nino jonathan jonny jonathon nathan nat nate
joseph joe joey jos josef jose giuseppe pepe peppe beppe sepp jozef
josephine josie jo josefine josefina fifi
joshua josh
judith judy judi jutta
julia julie jules juliet juliette giulia julianne
julian jules julien juliano
karen kaz karin
kenneth ken kenny
kimberly kim kimberley
laura laurie lora laure
lawrence larry lars laurence laurent lorenzo lorenz laurenz lawrie lorne
leonard len lenny leo leon leonardo leonhard lennie leonid lev
leslie les lesley
lewis lou louie louis luis luigi ludwig luiz lluis ludovic louise luise luisa lulu
lillian lil lily lilly lillie lilian
linda lynn lynne lyn
lucas luke luca lukas luc lukasz
lucy lucie lucia lucille luz
madeleine maddy madeline magdalena magda lena madge madelaine
margaret maggie meg peg peggy marge margie greta gretel rita daisy margarita margot margarete margarethe
marguerite marjorie grete megan margit malgorzata mark marcus marco markus marc marek marcos mario
martha marty marta mattie
martin marty marten martijn martino
mary marie maria mae may molly polly mamie moira maureen mia maya miriam mariam mitzi maja manon marian marianne
matthew matt matty matthias matteo mathieu mateo matthieu mateusz mathias matti
maurice mo maury moritz mauricio maurizio morris
maximilian max maxim maxime massimo massimiliano maxwell
melissa mel missy lissa
michael mike mick mickey mikey micky mitch michel miguel michele mikhail misha micha mikael michal michail
michaela mihai mildred milly
mohammed mohamed muhammad mohammad ahmed mo mehmet muhammed mohamad
monica monika monique mona
natalie nat natalia natasha nathalie
nicholas nick nicky nico nicolas nicola nikolaus niklas klaus claus nikolai niels nils colin nikos mikolaj
nicolo nicole nikki oliver ollie olivier oli
olivia liv livia olive
oscar oskar ozzy
pamela pam
patricia pat patty trish tricia patrizia patsy
patrick paddy rick patrice patricio patrik
paul pablo paolo pavel paulo pauly pawel pauline paula
peter pete pedro pietro pierre piet piotr petr petros peder
philip phil pip philipp philippe felipe filippo phillip filip
rachel rae raquel rachael
ralph rolf raul raoul rodolfo rudolf rudolph rudi rudy
raymond ray ramon raimund
rebecca becky becca rebekka beck
reginald reg reggie rex reinhold
richard dick rick ricky rich richie ricardo riccardo rik dickon
robert bob bobby rob robbie bert roberto robin rupert ruprecht bobbie
roderick rod roddy rodrigo
roger rog rutger rogelio rudiger
ronald ron ronnie ronan
rosemary rose rosie rosa romy rosalie rosalind rosamund rosanna
russell russ rusty
samuel sam sammy samantha sami samuele
sarah sally sadie sara sal
sebastian seb bastian basti sebastien sebastiano
sharon shaz
sidney sid sydney
simon simone si simeon
sophia sophie sofia sofie zofia
stephen steve stefan steven stevie stefano etienne esteban stephan stephane szczepan stephanie stefanie steffi
steph stuart stu stewart
susan sue susie suzie suzanne susanna susanne suzy zuzanna
tamara tammy tamsin
theodore theo teodor theodor fedor
theresa terry tess tessa teresa therese resi tracy tracey theresia
terence terry terrence
thomas tom tommy tomas tommaso tomasz thom
timothy tim timmy timo timotheus
tobias toby tobi tobie
ursula ulla uschi ursel orsola
valerie val valeria valery
victor vic viktor vittorio vick
victoria vicky tori vicki viktoria vikki
vincent vince vinny vincenzo vicente vinzenz vinnie
virginia ginny ginger virginie
vivian viv vivienne
walter wally walt gualtiero wat
wilfred wilf fred wilfried
wilhelmina mina minnie willa wilma mina helma
william will bill billy willie willy wilhelm guillaume guillermo guglielmo liam willem willi vilhelm bil
winifred win winnie
xavier javi javier saverio
yvonne yvette evonne
zachary zach zack zak zacharias
helmut helmuth
renate renata
heike heiko
sabine sabrina
jurgen jorg
uwe udo
ingrid inga inge
brigitte gitte gitta
hildegard hilde hilda
manfred manni
wolfgang wolf
horst horstl
petra petronella
angelo angelina
giuseppina pina
francoise fanchon
gerard gege
lucien lucienne
pascal pascale
nathalie nath
didier didi
jacqueline jacquie
monique momo
camille camilo
chloe cloe
manon manu
enzo vincenzo
giorgia giorgina
chiara clara
alessia alessio
matteo mattia
carmen carmela
pilar pili
dolores lola
rosario charo
mercedes merche
rocio chio
sergio sergi
ruben rube
lotte liselotte
femke femme
sven svend
lena leni
ole olaf olav
jana janina
katja katka
agnieszka aga
ewa ewelina
wojciech wojtek
stanislaw staszek
tadeusz tadek
zbigniew zbyszek
"""


def roots() -> dict[str, str]:
    """Each known form of a name to the name that stands for it; the first line that has a form wins."""
    known: dict[str, str] = {}
    for line in _LINES.split("\n"):
        root, *others = line.split() or [""]
        for name in (root, *others):
            known.setdefault(name, root)
    known.pop("", None)
    for name, root in list(known.items()):
        known[name] = known.get(root, root)
    return known


ROOTS = roots()
