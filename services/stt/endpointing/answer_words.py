"""The words that English answers to a question are made of. Tables only; the rules that read them are in `answers`."""

from __future__ import annotations

import re

from services.stt.endpointing import english as en
from services.stt.endpointing.tables import phrases, table

LEADS = phrases(
    "my name is, my first name is, my last name is, my full name is, the name is, first name is, last name is, it is, "
    "it would be, it will be, it was, that would be, that will be, that is, this is, there are, there will be, there "
    "is, i am, we are, she is, he is, they are, it was, she will be, he will be, i would like, we would like, i would "
    "prefer, we would prefer, i prefer, i will take, we will take, i will have, i want, we want, i need, we need, i "
    "think, i guess, i would say, let us say, let us do, let us go with, let us take, let us make it, make it, make "
    "that, how about, what about, maybe, probably, just, only, about, around, rather, say, i will go with, i would go "
    "with, go with, for, on, at, in, by, the, a, an, since, until, after, before, definitely, preferably, better, "
    "roughly, approximately, at least, at most, up to, it has to be, book, take, please"
)
"""What stands before it; taken off again and again."""
ROUNDS = phrases(
    "please, thanks, thank you, i think, i guess, i suppose, i believe, if possible, if that is okay, if that is "
    "possible, would be good, would be great, would be fine, would be perfect, would be best, would be better, would "
    "be nice, would be okay, is good, is great, is fine, is perfect, is best, is better, is okay, works, works for "
    "me, works best, works fine, works better, is good for me, is fine for me, then, sounds good, sounds great, suits "
    "me, suits me better, instead, maybe, or so, would work, at the latest, i would say, actually, though, anyway, "
    "already, right now, roughly, max, only, sir, madam"
)
"""What rounds it off."""

WEEKDAYS = en.DAYS | table("mondays tuesdays wednesdays thursdays fridays saturdays sundays weekend weekends")
MONTHS = table("january february march april may june july august september october november december")
RELATIVE = table("tonight yesterday")
UNKNOWN = table("know sure certain decided remember")
"""Who does not know it yet often says something about it."""
WHEN = phrases(
    "soon as possible, as soon as possible, as soon as you can, soon as you can, last week, last month, last year, "
    "next week"
)
ANY = phrases(
    "any day, any time, anytime, whenever, either, either one, both, neither, whichever, none, all of them, me, us, "
    "all of us, no preference, it does not matter, does not matter, i do not care, i do not mind"
)
LEFT_OPEN = re.compile(r"(?:whatever|whichever|whoever|whenever)(?: \w+)+|(?:the )?(?:\w+er|more|less) the better")
"""The bot may choose."""
NUMBERS = table(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand"
)
ORDINALS = table(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
)
DEADLINES = table("by until till before after since from")
DAY_LINKS = table("the of on in next this last coming following week month day after before twenty thirty and or")
DAY_PARTS = table("morning afternoon evening night noon midnight midday lunchtime lunch breakfast dinner")
CLOCK = table(
    "oclock am pm half quarter past to a m p in the at around about sharp minutes hours hour minute ago by for"
)
WHOLE_TIMES = table("now immediately anytime whenever asap ago oclock am pm tonight") | DAY_PARTS
SPANS = table(
    "year years month months week weeks day days hour hours minute minutes second seconds night nights people person "
    "persons adult adults child children kids guests times time dollars euros pounds cents bucks percent miles meters "
    "kilometers meter kilometer kilo kilos dollar euro inch inches feet centimeters pieces items bikes tickets rooms "
    "copies bottles boxes a an the of us and each per or half quarter just only about around almost nearly old long "
    "ago more less together"
)
UNITS = table("minute minutes hour hours day days night nights week weeks month months year years")
SOME = table("couple few dozen once twice several none half")
NO_NAME = (
    en.PRONOUNS | en.AUXILIARIES | en.PREPOSITIONS | en.DETERMINERS | en.CONJUNCTIONS | en.WH | en.ALONE | en.OPENERS
    | en.NEEDS_OBJECT
)  # fmt: skip
NO_CHOICE = (en.PRONOUNS | en.AUXILIARIES | en.WH | en.ALONE - table("next first second third")) | table(
    "your their me him us them there here if because when"
)
"""An answer that begins so is a sentence."""
HALF = phrases("i have, i would, i will, it is, that is, this is, there is, there are, it was")
"""Alone a sentence has begun with them; behind a yes they are all of it."""
POSSESSIVES = table("my our his her")
EVERYBODY = table("everybody everyone nobody somebody someone one both all")
QUALITIES = table(
    "first second third green blue red black white yellow orange purple pink brown gray grey silver gold dark light "
    "small big large medium little long short old new used cheap cheaper expensive better fast slow heavy last next "
    "other same left right upper lower smaller bigger larger older newer regular electric full half"
)
"""Behind "the" a thing, or "one", may still come."""
