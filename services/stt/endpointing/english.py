"""The words by which an English turn shows whether it is over. Normalised: lower case, contractions written out.

Tables only; the rules that read them are in `grading`. Words that close a talk: `closers`.
"""

from __future__ import annotations

from services.stt.endpointing.tables import phrases, table

# Not an end

HESITATIONS = table("um uh er erm hmm hm mm ah eh uhm umm uhh ehm")
WAIT_PHRASES = phrases(
    "let me see, let me think, let me check, let me look, let me find it, let me get it, let me get my, hold on, "
    "hang on, one moment, one second, one sec, just a moment, just a second, just a minute, just a sec, wait a "
    "moment, wait a second, wait a minute, a second, you know, how do i say, what do you call it, give me a second, "
    "give me a moment, give me a minute, bear with me, sort of, kind of, or something like, what was it, where is "
    "it now"
)
CONJUNCTIONS = table(
    "and or but because cause since although though unless if whether while whereas than nor plus until cuz"
)
DETERMINERS = table("a an the my your his its our their every each another any these those some whose")
SUBJECTS = table("i we they he she")
PRONOUNS = table("i we they he she you it that this there")
BE = table("am are is was were be been being")
AUXILIARIES = BE | table("do does did have has had will would shall should can could may might must cannot")
PREPOSITIONS = table(
    "of to for from with at by about into onto between during without against under near around like as in on off "
    "up out over down through after before till towards toward via regarding concerning per within behind beside "
    "except"
)
LEADING = table(
    "very really quite so just also only maybe perhaps probably actually basically not still even which what where "
    "when how why next last new mr mrs miss ms doctor dr called named electric own almost always never exactly "
    "approximately roughly usually either both more most less pretty super extremely whatever"
)
"""Words that lead to another one."""
NEEDS_OBJECT = table(
    "want need wanted needed bought ordered rented returned got get know find tell ask asking wondering hoping "
    "trying sending take make use let said thought wonder give gave put keep having getting using buy bring replace "
    "accept cover include offer leave owe paid like prefer sell repair fix rent order book cancel change check "
    "return send ship have see add remove receive received purchase purchased contact confirm schedule exchange "
    "carry mean do call speak talk lost meant brought took made pay deserve request owe needs wants costs says "
    "includes"
)
"""Verbs that want an object; some are nouns too, then an article stands before."""
VERB_BEFORE = table(
    "to i we you they he she rather not also and just only please would will can could should did do does never always "
    "already recently or then have has had must might may who people somebody someone anyone"
)
"""What stands before a verb."""
LINKS = phrases(
    "number is, name is, address is, email is, code is, date is, problem is, question is, it is, that is, this is, "
    "there is, would be, should be, order is, issue is, thing is, i would like, would like to, want to, need to, "
    "going to, have to, able to, so that, such as, for example, as well as, as soon as, even if, instead of, because "
    "of, one of, a lot of, a couple of, some of, in case, rather than, spelled, let us say, tell me, give me, show "
    "me, send me, get me, bring me, find me, let me, let me know, calling about, calling because, i was wondering, "
    "not sure if, the one with, the one that, the first, the second, the last, the next, there are, you are, i was, i "
    "have, i am, i will, will be, it was, they said, he said, she said, you said, a little, a few, a couple, a bit, "
    "kind, sort, the same, the other, at least, i think, i guess, i believe, i suppose, i mean"
)
BEGINNINGS = phrases(
    "my order number, my first name, my last name, my name, my zip code, my phone number, my account number, my "
    "email, my address, my number, the number, the name, the problem, the thing, the address, the order number, the "
    "reason, my question, my problem, the issue, the question"
)
"""Said alone, they wait for their "is"."""
ASK_ON = phrases(
    "me on, find out, figure out, see if, what about, how about, is it possible to, would it be possible, would you "
    "be able to, how much is a, what if, what kind, what kind of, what time, how much, how many, how long, how "
    "often, how far, which one of, what sort, do you happen, is there any chance, can you tell, could you tell, "
    "would you mind, do i need, what happens"
)
"""Questions that are not asked yet."""

# An end after all

CLOSED_ENDS = phrases(
    "please do, absolutely not, definitely not, certainly not, afraid not, hope not, not that i know of, "
    "yes i do, yes i am, yes it is, yes we do, yes i have, yes i did, yes i can, yes i would, yes that is, no i do "
    "not, no i am not, no it is not, no i have not, no i did not, of course not, think so, hope so, guess so, "
    "believe so, or so, where it is, what it is, who it is, how it is, what that is, where that is, where you are, "
    "who you are, what you have, i am not, it is not, i did not, i do not, i do, that is it, not yet, or not, what "
    "i want, what i need, all i need, all i wanted to know, that is what i want, like that, about that, do not "
    "know, i see, at all, so far, who does, who do, who can, until when, since when, by when, for how long, how "
    "come, why not, as well, by now, come by, stop by, drop by, swing by, came by, what for, from where, to who, "
    "like this, not really, me neither, me too, or what, not sure, no idea, lost and found, how much is it, it "
    "costs, that costs, they cost, do it, do that, been waiting for, do you call it, what is it, i know, no more, "
    "any more, the most, at the latest, at most, the same, do not have, that is how much, do not "
    "care, need help, be like, would love to, want me to, told me so, all i want to know"
)
CONTENT_VERBS = table("says keeps seems needs wants requires contains")
"""Behind these the sentence says what, whoever their subject is."""
ASKED_BEFORE = table("what which whatever who all everything anything nothing something whoever")
"""Behind these a verb has its object already: "that is what it says"."""
THAT_BEFORE = table("sure here says say said afraid hope hoping means mean aware fact so told")
"""Before a "that" which leads to a sentence."""
GIVEN_TO = phrases(
    "tell me, give me, show me, send me, get me, let me, let me know, book me, bring me, find me, sell me, offer me, "
    "lend me, order me, buy me, read me"
)
SUBORDINATE = table("if when because after before since although while once unless until as though")
"""Sentences that begin so have a second half."""
SEPARABLE = table("bring drop pick send take put turn hand let call fill throw give get trade cut move")
APART = table("in off up out back down")
"""Ends of verbs that stand behind the object too: "bring my dog in"."""
MONTH_BEFORE = table("of in since until by on next last early late")
PARTICLES = table("in on off up out over back down around through")
STATES = table("down off out over up back")
"""After "is" they are ends: "my internet is down"."""

"""Ends of verbs such as "drop off"; the other prepositions only end a question: "what is it for"."""
BEFORE_PARTICLE = table(
    "come came drop dropped pick picked bring brought send sent hang sign check checked go going went log turn take "
    "taken took set stop pay it them that this me him her us bike order package look find give hand call calling "
    "get getting wear worn break broken tune follow back pumped fill work opened locked check move moved fall fell "
    "start run ran show passing warranty way walk ride hold trade walk drive stopped"
)
# Questions and requests

WH = table("what when where who why how which")
INVERTED = AUXILIARIES - table("be been being am") | table("am")
INVERTED_SUBJECTS = table(
    "i you we they he she it there that this the my your our their his her a an any these those someone somebody "
    "anyone one all not everything anything delivery shipping"
)
INVERTED_FIRST = table("is are was were do does did")
NOT_INVERTED = table("not it that this what when where who why how")
"""A sentence that begins "are helmets" asks; "do it", "do not" tell."""
ASKED_ENDS = phrases("until when, since when, by when, for how long, why not, how come, from where, what for, to who")
REQUESTS = phrases(
    "i want, i need, i would like, we want, we need, we would like, i would prefer, i would love, can you, could "
    "you, can i, could i, may i, let me, would you, will you, i have to, i am looking for, i am trying to, i wanted "
    "to, i am hoping to, i wish to, we are looking for, can we, could we, can somebody, can someone, could "
    "somebody, could someone, i will take, we will take"
)
IMPERATIVES = table(
    "tell give transfer connect put send help cancel check show call stop repeat say read book change look explain "
    "remind confirm schedule add remove hang get try"
)
FINISHERS = table(
    "it that them one ones me him her us you today tomorrow tonight now again yet then here there back up off out "
    "in instead too either already soon later online overnight alone together anymore ready open closed possible "
    "available enough included yesterday afternoon morning evening week weekend monday tuesday wednesday thursday "
    "friday saturday sunday somebody someone human person agent manager operator representative"
)
"""Last words of a request after which little is missing."""
SENTENCE_ENDS = phrases(
    "as well, too, either, if possible, as soon as possible, if you can, if you could, if that is okay, if that is "
    "possible, or so, or something, or something like that, i think, i guess, i believe, i suppose, i am afraid, in "
    "that case, at the moment, right now, as usual, instead, or anything, and so on, whatever that is"
)
"""Nothing but an afterthought comes behind these, whatever was said before."""
VERDICTS = table("good great fine perfect okay acceptable enough best better wonderful lovely correct right wrong true")
"""What something is, or would be: "ten o'clock would be good"."""
RELATIONAL = table(
    "policy price prices cost costs fee fees charge charges rate rates difference deadline limit status reason "
    "procedure process requirement requirements discount shipping delivery number address phone email warranty chance "
    "way possibility option options rule rules penalty"
)
"""Nouns of something: "what is the price" is often followed by "of" or "for"."""
DAYS = table("monday tuesday wednesday thursday friday saturday sunday today tomorrow")
ADJUNCTS = table(
    "for from with at by about in on near without during after before over until till around through under between "
    "while when if because which who that where and or than into know"
)
BEFORE_INFINITIVE = table(
    "want need like love have able possible going trying wanted supposed how where what when hoping wish used about "
    "needed looking prefer got way time someone somebody chance"
)

OPENERS = table(
    "hi hello hey yes yeah yep yup no nope okay well so um uh uhm er erm oh right and but actually alright sorry "
    "also now then good morning afternoon evening there please thanks thank you excuse all because great perfect "
    "hmm sure plus ah listen look basically anyway cool fine or"
)
GREETINGS = table("hi hello hey good morning afternoon evening there yes okay well so um uh oh right and but")
YES_NO_HEAD = table(
    "yes yeah yep yup sure correct right no nope nah okay absolutely definitely exactly indeed please of that go uh "
    "mm mhm fine good perfect great never sounds i it true wrong incorrect not all oh very certainly"
)
HEDGES = phrases("i think so, i guess so, i hope so, i believe so, i should think so")
"""Half a yes: its reason often follows."""
YES_NO = YES_NO_HEAD | table(
    "thanks thank you is do am did have would course ahead huh hmm works for me really a will can could let us love "
    "to much has does are was be should think so hope guess"
)
YES_NO_OPEN = table("a to for let is do am did have would can will could does has are was be i not")

# Something that is complete and from which people go on

PAST = table(
    "bought got had was were came went brought took left sent saw read heard forgot lost made paid found told said "
    "spoke spent broke fell wrote gave did thought kept put felt been rode"
)
TELLERS = table("i we he she they it my the our somebody someone one you there")
MORE_PHRASES = phrases(
    "i have a question, i have another question, i have got a question, i have two questions, i have a couple of "
    "questions, quick question, one more thing, one more question, another question, another thing, i am calling "
    "about, i am calling because, i am calling regarding, i was wondering, i have an order, i have a problem, i "
    "have an issue, there is a problem, i have got a problem, something is wrong, i am having, i have been, i have "
    "had, i have a bike, we have a, my name is, this is, the thing is, first of all, i already, my wife, my "
    "husband, my son, my daughter, my friend, i used to, last week, last night, last month, the other day, "
    "yesterday, here is the thing, i am a customer, "
    "the first one, i just, two things"
)
ALONE = table(
    "first second third finally secondly firstly anyway next because also actually sorry listen rather instead"
)

# Read out

NUMBER_LEADS = table(
    "number order phone telephone mobile cell code zip card account reference reach serial invoice confirmation digits"
)
PHONE_LEADS = table("phone telephone mobile cell call reach")
TIME_BEFORE = table("before after at by until till around about from to past between for and or in on")
ALPHABET = table(
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo "
    "sierra tango uniform victor whiskey xray yankee zulu dash hyphen underscore dot"
)
