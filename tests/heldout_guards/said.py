# ruff: noqa: E501
"""What callers say to a question for a yes, and what was meant by it. Labelled before anything was run.

Each line: label, words. `y` yes, `n` no, `0` a backchannel or nothing, `o` anything else. Several letters: any of them will
do. `y` among several: arguable, counted neither as a false yes nor as a missed one.
"""

from __future__ import annotations

CANCEL = "Shall I cancel your appointment on Tuesday at three?"
TRANSFER = "Shall I transfer two hundred dollars from checking to savings?"
BOOK = "Shall I book a repair on Tuesday, December first at three in the afternoon?"
CITA = "¿Cancelo su cita del martes a las tres?"
TERMIN = "Soll ich Ihren Termin am Dienstag um drei absagen?"
RENDEZVOUS = "Voulez-vous que j'annule votre rendez-vous de mardi à quinze heures ?"

ENGLISH_CANCEL = """
y   yes
y   Yes.
y   yes please
y   Yes, please cancel it.
y   yeah
y   yep
y   yup
y   yeah yeah
y   yes yes
y   yeah sure
y   sure
y   sure go ahead
y   sure thing
y   absolutely
y   definitely
y   of course
y   yes of course
y   go ahead
y   please go ahead
y   go for it
y   please do
y   please do that
y   yes do that please
y   yes cancel it
y   yes cancel that
y   yes cancel the appointment
y   yes i'd like to cancel it
y   yes i would like that
y   yes that would be great
y   yes that's right cancel it
y   yes that's correct
y   that's correct
y   correct
y   okay yes
y   okay go ahead
y   okay do it
y   um yes
y   uh yeah please
y   well yes
y   oh yes please
y   yes thank you
y   yes thanks
y   yes sir
y   yes you can cancel it
y   yes you can go ahead and cancel that
y   yeah go ahead and cancel it
y   yes please go ahead
y   yes and also send me an email about it
y   yes i am sure
y   yes the one on tuesday
y   yes tuesday at three
y   yes exactly
yo  yes i think so
yo  i guess so
yo  yes i guess
yo  why not
yo  cancel it
yo  cancel it please
yo  please cancel my appointment
yo  cancel that
yo  you can cancel it
yo  sounds good
yo  that works
y0o that's fine
y0o fine
y0o that's right
y0o perfect
yo  by all means
yo  affirmative
yo  please
yo  yes because i can't make it
yo  yes sorry about that
yo  yes i have a new job so i can't come any more
yo  alright then go ahead
yo  i said yes
yo  i said yes cancel it
yo  no no yes cancel it
yo  it's a yes from me
yo  yess
yo  yea
yo  ya
yo  yas please
yo  yeah go a head
yo  shore go ahead
yo  yes pleas can sell it
yo  yes can sell it
n   no
n   nope
n   nah
n   no thanks
n   no thank you
n   no don't
n   no don't cancel it
n   don't
n   don't cancel it
n   please don't
n   do not cancel it
n   don't do that
n   no no no
n   not yet
n   not now
no  not today
no  no not that one
n   absolutely not
n   definitely not
n   of course not
n   certainly not
n   no way
n   never mind
n   nevermind
n   leave it
n   leave it as it is
n   no leave it please
n   no keep it
no  keep it
no  i want to keep it
no  i'd rather keep it
no  i'd rather not
no  rather not
no  not really
n   no i've changed my mind
no  i changed my mind
no  actually no
no  forget it
no  forget about it
no  stop
no  hold off
no  yeah no
no  yes no
no  no i'm good
no0 i'm good
no0 i'm fine thanks
no0 no it's okay
no  no that's fine
0   okay
0   ok
0   uh-huh
0   uh huh
0   mhm
0   mm-hmm
0   right
0   i see
0   hmm
0   um
0   uh
0   er
0o  well
0   okay okay
0o  alright
0o  all right
0o  got it
0o  okay thanks
0o  thank you
0o  great
0o  good
0o  ah okay
0o  oh
0o  aha
0o  okay then
0o  cool
0o  really
0o  hello
o   yes but only if it's free
o   yes if it is free
o   yes if there's no fee
o   yes if you can give me another one this week
o   if it's free yes
o   yes as long as i don't have to pay
o   yes unless it costs something
o   yes provided i get my money back
o   only if there is no charge
o   yes but not the one on wednesday
o   yes but keep the other one
o   yes but first tell me what it costs
o   yes but
o   yes wait
o   yes hold on
o   yes one second
o   yes hang on a moment
o   yes just a moment please let me check with my wife
o   let me think
o   yeah let me think about that
o   yes well actually
no  yes actually no
no  yes sorry no i mean no
no  yes please don't
no  yes don't cancel it
no  yes no don't
no  no yes no
o   yes and no
o   yes or no
o   yes what
o   yes what does it cost
o   yes how much is that
o   yes is there a fee
o   yes which appointment was that
o   yes who is this
o   yes i'm here
o   yes i'm listening
o   yes i heard you
o   yes i understand
o   yes speaking
o   yes i know
o   yes on wednesday
o   yes the one on wednesday
o   yes wednesday at three
o   yes at four
o   yes cancel the wednesday one
o   yes cancel all of them
o   yes cancel my account
o   yes cancel my subscription
o   yes move it to wednesday
o   yes and move it to wednesday instead
o   yes tomorrow
o   yes later
o   yes next week
o   yes not now
o   yes maybe
o   maybe
o   perhaps
o   i don't know
o   i'm not sure
o   yeah i don't know
o   i suppose
o   are you sure
o   sure about that
o   what if i say yes
o   do i have to say yes
o   did you say tuesday
o   you want me to say yes
o   i'm not saying yes
o   i never said yes
o   i didn't say yes
o   i can't say yes to that
o   my wife said yes
o   how much is it
o   how much does it cost to cancel
o   what happens if i cancel
o   can i move it instead
o   can i get it later
o   cancel what
o   which one
o   sorry what
o   what did you say
o   pardon
o   say that again please
o   yesterday
o   yesterday at three
o   guess
o   chess
o   know
o   notes
o   yes i want to keep it
o   yes keep it
o   yes leave it
o   sure i'd love to keep it
o   go ahead and ask me
o   go ahead i'm listening
yo  no doubt
o   not yes
o   yes is what i said last time and it went wrong
o   not right
o   correct me if i'm wrong but that was wednesday
o   yes that's my appointment but i meant the other
o   yes to the first question no to the second
o   yes in a way
o   yes in principle
o   yes except i want to come at four
o   yes although i would like to come on friday
o   yes once you have told me the price
o   yes after you tell me the fee
o   yes before you do that how much is it
o   yes can i come on wednesday instead
o   yes and make it wednesday
o   yes and can we make it four
o   shall i cancel your appointment on tuesday at three
o   cancel your appointment on tuesday at three
o   your appointment on tuesday at three
o0  tuesday at three
o0  on tuesday at three
o   should i
o   what would you do
o   a person please
o   can i talk to a human
o   yes i'd like to talk to a person
o   yes put me through to someone
o   yes you said that already
o   yeah right like i would do that
o   you must be joking
o   yes when i am dead
o   hell no
o   over my dead body
o   say yes
o   please say yes or no
o   the answer is not yes
o   it would be a yes if it were free
o   i would say yes if it were free
o   i would have said yes yesterday
o   is that a yes or a no question
o   ask me again
o   one moment please
o   sure if you think so
o   sure but when
o   okay but when can i come
o   okay if it's free
o   okay what was it
o   absolutely if it's free
o   definitely maybe
o   please keep it
o   of course if it's free
o   of course i don't want that
o   do it tomorrow
o   do it later
o   do it if it's free
o   do it on wednesday
o   don't do it yet
o   yes i said i would call you
o   eyes
o   yes bank
o   is it yes
o   oh yes i forgot to ask about the fee
o   yes hmm no
o   yes why
o   yes or maybe not
o   yes i mean wednesday
o   yes thursday i mean tuesday no thursday
"""

ENGLISH_TRANSFER = """
y   yes transfer it
y   yes please transfer two hundred
y   yes two hundred dollars please
y   yes from checking to savings
y   yeah that's right go ahead
yo  transfer it
yo  yes all good
yo  yes savings
yo  yes two hundred
n   no cancel that
no  cancel
no  cancel it
no  cancel the transfer
no  abort
no  stop that
no  no i want two hundred in checking
o   yes three hundred
o   yes but three hundred
o   yes transfer three hundred
o   make it three hundred
o   two hundred and fifty
o   yes transfer everything
o   yes all of it
o   yes half of it
o   yes twice
o   yes to my wife
o   to checking please
o   two hundred dollars
o   from checking to savings
o   transfer two hundred dollars from checking to savings
o   yes and make it three hundred
o   yes make it three hundred
o   yes just one hundred though
o   yes only one hundred
o   yes minus the fee
o   yes two thousand
o   yes two hundred euros
o   yes is there enough on it
o   yes do i have enough
o   yes unless i go below zero
o   yes cancel that
o   yes cancel it
o   sure how much do i have left
"""

ENGLISH_BOOK = """
y   yes book it
y   yes please book it
y   yes book me in
y   yeah book it in
y   yes book the repair
y   yes three in the afternoon
y   yes that works for me
y   yes that's perfect
y   yes that is fine
yo  book it
yo  book me in
yo  please book it
yo  yes that's good
yo  yes i'll be there
n   no don't book it
o   yes make it four
o   yes book it for four
o   yes book it for wednesday
o   yes at four in the afternoon
o   yes three in the morning
o   yes december second
o   yes book two repairs
o   yes book a cleaning
o   yes but at four
o   wednesday not tuesday
no  no wednesday is better keep looking
o   four would be better
o   yes four would be better
o   do you have anything on wednesday
o   is that the first of december
o   yes i'd rather have wednesday
o   yes is wednesday free too
o   yes if my bike can stay over night
o   yes if nothing earlier is free
o   a repair on tuesday december first at three in the afternoon
o   book a repair on tuesday december first at three
o   in the afternoon
"""

SPANISH = """
y   sí
y   sí por favor
y   Sí, claro.
y   claro que sí
y   por supuesto
y   sí adelante
y   adelante
y   sí sí
y   sí hágalo
y   sí gracias
y   sí y además quiero saber si abren el domingo
y   sí y también mándeme un correo
yo  si
yo  si por favor
yo  claro
yo  desde luego
yo  dale
yo  cancélela
yo  cancélela por favor
yo  hágalo
yo  correcto
yo  exacto
yo0 de acuerdo
yo0 está bien
yo  eso es
n   no
n   no gracias
n   no la cancele
n   no no
n   todavía no
n   claro que no
n   por supuesto que no
no  mejor no
no  déjelo
no  ahora no
no  ni hablar
no  no lo haga
no  que no
no  sí no
no  sí mejor no
no  no quiero cancelarla
o   sí pero
o   sí pero el miércoles
o   sí si es gratis
o   si es gratis
o   si es gratis sí
o   si puede ser gratis
o   si no hay más remedio
o   si no
o   si quiere
o   si pudiera cambiarla
o   si me la cambia al miércoles
o   si cuánto cuesta
o   sí cuánto cuesta
o   sí espere
o   sí el miércoles
o   sí a las cuatro
o   cuánto cuesta
o   tal vez
o   a lo mejor
o   sí dígame
o   sí quién es
o   sí lo sé
o   cancelo su cita del martes a las tres
o   su cita del martes a las tres
o   cómo dice
o   si acaso el miércoles
o   sí a menos que cueste algo
o   sí siempre que sea gratis
o   claro que no sé
o   sí cancele mi cuenta
0o  vale
0o  ajá
0o  mm
0o  bueno
0o  ya
0o  muy bien
0o  eh
"""

GERMAN = """
y   ja
y   ja bitte
y   ja gerne
y   ja machen Sie das
y   jawohl
y   ja genau
yo  klar
yo  natürlich
yo  genau
yo  gerne
yo  auf jeden Fall
yo  ja ja
n   nein
n   nein danke
n   noch nicht
n   auf keinen Fall
no  lieber nicht
no  bitte nicht
no  ja nein
no  ja bitte nicht
no  ja eben nicht
o   ja aber nur wenn es nichts kostet
o   ja wenn es nichts kostet
o   ja aber
o   ja am Mittwoch
o   ja um vier
o   ja was kostet das
o   ja moment
o   ja ich höre
o   ja ich weiß nicht
o   jein
o0  na ja
o0  naja
o0  tja
o   Termin am Dienstag um drei absagen
o   vielleicht
o   ja falls es nichts kostet
o   ja lassen Sie ihn stehen
0o  okay
0o  hm
0o  aha
0o  ach so
"""

FRENCH = """
y   oui
y   oui allez-y
y   oui bien sûr
y   bien sûr
y   allez-y
yo  ouais
yo  d'accord
yo  exactement
yo  oui oui
n   non
n   non merci
n   pas encore
n   surtout pas
no  oui non
no  oui enfin non
no  pas du tout
o   oui mais pas tout de suite
o   oui mais
o   oui si c'est gratuit
o   si c'est gratuit
o   oui mercredi
o   oui à seize heures
o   oui combien ça coûte
o   oui attendez
o   oui allô
o   oui je vous écoute
o   je ne sais pas
o   peut-être
o   pas si c'est payant
o   oui sauf si c'est payant
o   oui gardez-le
o   votre rendez-vous de mardi à quinze heures
yo  pourquoi pas
0o  euh
0o  hein
0o  bon
0o  ah bon
"""


def lines(text: str) -> list[tuple[str, str]]:
    return [(label, words) for label, words in (line.split(None, 1) for line in text.strip().splitlines())]


SETS: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("en", CANCEL, lines(ENGLISH_CANCEL)),
    ("en", TRANSFER, lines(ENGLISH_TRANSFER)),
    ("en", BOOK, lines(ENGLISH_BOOK)),
    ("es", CITA, lines(SPANISH)),
    ("de", TERMIN, lines(GERMAN)),
    ("fr", RENDEZVOUS, lines(FRENCH)),
]

# The second round: written after the first had been run, labels before it was run itself. Behind a yes and a comma, and in
# the question's own words put together otherwise.
MOVE = "Shall I move your appointment from Tuesday at three to Wednesday at four?"
KEEP = "Shall I cancel the appointment on Tuesday and keep the one on Wednesday?"
PAY = "Shall I pay the bill of fifty dollars and cancel the contract?"

AND = """
y   Yes, and also send me an email about it.
y   yes, and thank you
o   yes, and actually don't
o   yes, and by the way no
o   yes, and make it Wednesday
o   yes, and at four instead
o   yes, and I want it at four
o   yes, and change the time to four
o   yes, and do it on Wednesday
o   yes, and not before Friday
o   yes, and if it costs something don't
o   yes, and I'd rather have Wednesday
o   yes, and four would be better
o   yes, and keep the appointment
o   yes, and only if it's free
o   yes, and but wait
o   yes, and I mean no
o   yes, and then don't do it
o   yes, and no
o   yes, and also no
o   yes, and also don't cancel it
o   yes, and also wait a second
o   yes, and also make it four
o   yes, and also I changed my mind
o   yes, and also not on Tuesday
o   yes, and also what does it cost before you do it
o   yes, and also hold on
o   yes, and also never mind
o   yes, and also, if it's free, do it
o   Yes. But wait.
o   Yes. No.
o   Yes. No, wait.
o   Yes?
o   Yes? Who is it?
o   Yes. Actually, no. Leave it.
o   Yes. I don't want that.
o   Yes. If it's free.
o   Yes. How much?
o   Yeah... no.
o   Yes — no.
o   Yes/no.
o   "Yes"? No.
o   Go ahead? No!
o   Sure? Are you sure?
o   Sure?
o   Correct?
o   Yes, please stop.
o   Yes, please wait.
o   Yes, go ahead and leave it.
o   Yes, thanks, but no thanks.
o   Yes, thank you, no.
o   Yes, sir, don't.
o   Yes, exactly what I did not want.
o   Yes, of course not.
o   Yes, absolutely not.
o   Yes, go ahead, make my day, cancel everything
o   Yes, do that and you'll never see me again
o   Yes, definitely on Wednesday
o   Yes, that is correct, but I want to keep it
o   Yes, that's the one I want to keep
o   Yes, sure you would like that
o   Yes that is what you always say
o   Sure, whatever, no
o   Yes I'd like that one on Wednesday
o   Yes it is not
o   Yes it's not that
o   no yes
o   nope yes
o   yes nope
o   yes nah
o   sure nah
o   sure not
o   sure no
o   of course no
o   absolutely no
o   yes never
o   yes none
o   yes nothing
o   yes neither
o   yes cannot
o   yes won't
o   yes dont
o   yes do not
o   yes do n't
o   yes please dont
o   yes stop
o   yes cancel... no, don't
yo  yes shall i
"""

MOVED = """
y   yes move it
y   yes from tuesday to wednesday
y   yes to wednesday at four
yo  yes wednesday at four
"""

KEPT = """
y   yes cancel tuesday
"""

PAID = """
y   yes pay it
yo  yes pay the bill
yo  yes cancel the contract
"""

REVERSED = """
o   yes a hundred dollars
"""

BOOKED = """
y   yes a repair on tuesday
yo  yes first
o   yes december third
o   yes on december third at one
o   yes tuesday three at first
o   yes at first
"""

SPANISH_MORE = """
y   sí, y además quiero saber si abren el domingo
y   sí, por favor
o   sí, pero el miércoles
o   ¿sí?
o   sí, si es gratis
o   sí, y mejor el miércoles
o   sí, y no la cancele
o   sí, no la cancele
o   sí bueno no
o   si me llama mañana
o   si claro si es gratis
o   si por favor me dice cuánto cuesta
o   si gracias pero no
"""

GERMAN_MORE = """
o   ja, und zwar am Mittwoch
o   ja, aber um vier
o   ja?
o   ja bitte?
o   ja wohl kaum
o   ja klar von wegen
o   ja doch nicht
o   ja nee
o   ja nicht
o   bitte?
o   ja wer ist da
"""

FRENCH_MORE = """
o   oui, et plutôt mercredi
o   oui, si c'est gratuit
o   oui ?
o   oui non merci
o   oui mais non
o   ah oui ?
o   oui ne l'annulez pas
o   oui jamais
"""

SETS_2: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("en", CANCEL, lines(AND)),
    ("en", MOVE, lines(MOVED)),
    ("en", KEEP, lines(KEPT)),
    ("en", PAY, lines(PAID)),
    ("en", TRANSFER, lines(REVERSED)),
    ("en", BOOK, lines(BOOKED)),
    ("es", CITA, lines(SPANISH_MORE)),
    ("de", TERMIN, lines(GERMAN_MORE)),
    ("fr", RENDEZVOUS, lines(FRENCH_MORE)),
]
