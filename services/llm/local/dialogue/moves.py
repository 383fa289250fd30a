"""What callers say in any conversation, whatever it is about, and how the engine words its own part.

English. An agent's own phrases come first; these are for what it has not foreseen.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from parley.text.phrases import normalise, parse
from services.llm.local.understanding.word_lists import TOPICLESS, words_of

_MOVES: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "moves.yaml").read_text("utf-8"))
_TEMPLATES = [(move, parse(template)) for move, templates in _MOVES.items() for template in templates]
_REGEXES = [(move, phrase.regex(lambda _: r"\S+")) for move, phrase in _TEMPLATES]
WORDS = frozenset(normalise(" ".join(word for _, phrase in _TEMPLATES for word in phrase.words())).split())
_FILLERS = re.compile(r"^(?:(?:um+|uh+|oh|okay|well|so|and|but|please|sorry|excuse me) )+")
_INDIRECT = re.compile(
    r"^(?:(?:(?:can|could|would|will) you (?:please )?(?:tell me|let me know)|would you mind telling me"
    r"|do you (?:happen to )?know|may i (?:ask|know)|please tell me|tell me"
    r"|i (?:would like to|want to|would love to|need to) know|i (?:was|am) wondering|i wonder) )"
)
_LEADING = re.compile(r"^(?:no|yes|yeah|sorry|um+|uh+|oh|well|actually|i (?:mean|meant|said)|wait|but|so|and|okay) ")
_HUMAN = re.compile(r"\b(?:connect|transfer|put you through|colleague|(?:speak|talk) (?:to|with))\b")
_ANOTHER = re.compile(r"\b(?:another|other|different|second)\b")
_ELSE = re.compile(r"\b(?:anything|something|what) else\b|\banything (?:more|i can do)\b")
_NO = re.compile(r"^(?:no|nope|nah)\b")
_FAREWELL = re.compile(
    r"\b(?:bye|goodbye|good night|see you|hang up|nothing else|have a (?:nice|good|great) \w+|i am done"
    r"|(?:that is|that was|that will be) (?:all|it|everything))\b"
)
_WITHIN = re.compile(
    r"\b(?:it|that|this|them|they|those|these|one|there)\b"
    r"|^(?:(?:and|for|so) )*(?:when|how (?:long|much|many|far|soon|old))\b"
)
_MORE = re.compile(r"^(?:and|what about|how about) ")
_SORRY = re.compile(r"^(?:(?:I am|I'm) )?(?:so |very )?sorry[,.:]? *(?:but )?", re.IGNORECASE)
_UNABLE = re.compile(r"^I (?:did not|do not|could not|can ?not|didn't|don't|can't|couldn't) [^.!?]*[.!?]+ *")
_SHORT_NO = 7  # words
_TWO_MOVES = 14  # words
_COURTEOUS = ("thanks", "hello", "compliment")
_TELLING = 8  # characters

# Moves that agents have their own answers to.
FORESEEN = ("who", "robot", "help", "thanks", "hello", "how_are_you", "joke")
# In what way a yes and a no come together: "yes no wait" leaves it open, "yes, sorry, I mean no" does not.
_YES_WORDS = words_of("yes yeah yep yup sure okay")
_NO_WORDS = words_of("no nope nah")
_TURNING = words_of("i mean sorry actually rather wait or well but oh um uh hold on then maybe please")
_UNFINISHED = re.compile(r"(?:(?:um+|uh+|er+m?|hm+|mm+|ah|oh|well|so|like|and|i|the|my|it is|you know|let us see) ?)+")

ROBOT = "I am an automated assistant, not a person."
WELCOME = "You are welcome. Is there anything else?"
HELLO = "Hello. What can I do for you?"
HELP = "I answer calls for {company}. What would you like to know?"
WHAT_ELSE = "What else can I do for you?"
ALL_RIGHT = f"All right. {WHAT_ELSE}"
TAKE_YOUR_TIME = "Take your time."
NOBODY = "I am sorry, there is nobody I can connect you to."
GOODBYE = "Goodbye."
NOTHING_TO_REPEAT = "I have not said anything yet. What can I do for you?"
ONE_AT_A_TIME = "Let us take one at a time, and please ask me the other again after this."
NOT_THE_OTHER = "The other thing I do not know, I am sorry."
LEFT = f"All right, I will leave that. {WHAT_ELSE}"
WITHOUT = "All right, then I will leave that. Is there anything else?"
NO_NUMBER = "All right, without it I cannot look that up. Is there anything else?"
DO_NOT_KNOW = "I am sorry, I do not know that."
AGAIN_NOT = "I did not get that either. Shall I connect you to a colleague?"
DO_NOT_UNDERSTAND = "Sorry, I did not understand that."
NOT_CERTAIN = "I am sorry, I cannot tell whether that worked, so I will not try it a second time."
DONE = "That is done."
STILL_AT_IT = "I am still working on that."
SO_FAR = "I have {said} so far. What comes after that?"
WHERE = "Where does the {digit} go? Please say the whole number, digit by digit."
GAP = "I have {before}, then {after}. Which digit comes between?"
WHO = "I am the automated assistant of {company}."
WELL = "I am well, thank you. What can I do for you?"
PLEASED = "That is kind of you. What can I do for you?"
CALM = "I am sorry that this is not going well. Tell me in a few words what you need, or ask for a colleague."
CALM_ALONE = "I am sorry that this is not going well. Tell me in a few words what you need."
NO_JOKES = "I would only spoil it, I am afraid: I just answer calls for {company}. What can I do for you?"
LISTENING = "I am listening."
YES_OR_NO = "Was that a yes or a no?"
SLOWLY = "Of course, slowly:"
UNDERSTOOD = "I understood: {said}."
NOT_HEARD = "I have not heard anything from you yet. What can I do for you?"
IN_OTHER_WORDS = "I am sorry, I did not get that. Please say it in other words."
NOR_THIS = "I did not get that either. Please say it in a few words."
NEITHER_KNOWN = "That I do not know either. Shall I connect you to a colleague?"
STILL_NOT = "I still do not understand, I am sorry. A colleague can help you better: shall I connect you?"
OR_COLLEAGUE = "Please say it once more, or shall I connect you to a colleague?"
ONE_BY_ONE = "Please say all the digits once more, one by one."
STILL_NO_LUCK = "That did not work either. A colleague can help you better: shall I connect you?"
MISUNDERSTOOD = "I am sorry. Please say once more what you want, in other words."
DO_YOU_MEAN = "Do you mean {about}?"
OFFER = "Shall I connect you to a colleague?"
HEARD = "I heard {said}."


def move(text: str) -> str:
    """Which move a normalised sentence is, as a whole; "" if none."""
    if text and _UNFINISHED.fullmatch(text):
        return "unfinished"
    words = text.split()
    if _YES_WORDS & set(words) and _NO_WORDS & set(words) and set(words) <= _YES_WORDS | _NO_WORDS | _TURNING:
        return _torn(words)
    found = next((name for name, regex in _REGEXES if regex.fullmatch(text)), "")
    return found or _after_fillers(text) or _after_courtesy(words)


def _after_fillers(text: str) -> str:
    short = _INDIRECT.sub("", _FILLERS.sub("", text))
    return move(short) if short and short != text else ""


def _after_courtesy(words: list[str]) -> str:
    """What is said behind thanks or a greeting: "thanks for your help, goodbye"."""
    if len(words) > _TWO_MOVES:
        return ""
    for n in range(1, len(words)):
        head = " ".join(words[:n])
        courteous = any(name in _COURTEOUS and regex.fullmatch(head) for name, regex in _REGEXES)
        if courteous and (found := move(" ".join(words[n:]))):
            return found
    return ""


def _torn(words: list[str]) -> str:
    """What both a yes and a no come to: the last word, if it is said that it is meant."""
    last = max(i for i, word in enumerate(words) if word in _YES_WORDS | _NO_WORDS)
    if "mean" in words[:last] and not _TURNING.intersection(words[last + 1 :]) - {"please"}:
        return "yes" if words[last] in _YES_WORDS else "no"
    return "torn"


def leading(text: str) -> tuple[str, str]:
    """What a sentence begins with before its content, and the content: "no i meant 5" -> ("no i meant", "5")."""
    rest = text
    while (short := _LEADING.sub("", rest)) != rest:
        rest = short
    return text[: len(text) - len(rest)].strip(), rest


def offers_human(heard: str) -> bool:
    """Whether the bot's last words offered a person."""
    return bool(_HUMAN.search(heard.lower()))


def means_another(text: str) -> bool:
    """Whether a wish is for another thing than the one spoken of: values said before do not count for it."""
    return bool(_ANOTHER.search(text))


def offers_more(heard: str) -> bool:
    """Whether the bot's last words asked what else it can do."""
    return bool(_ELSE.search(heard.lower()))


def refuses(text: str) -> bool:
    """Whether a normalised sentence is a no in a few words, without a farewell in it."""
    return bool(_NO.search(text)) and len(text.split()) <= _SHORT_NO and not _FAREWELL.search(text)


def without_apology(fallback: str) -> str:
    """What an agent's words for "not understood" say of what it can do: "" if they only apologise."""
    if not (sorry := _SORRY.match(fallback)):
        return fallback
    rest = _UNABLE.sub("", fallback[sorry.end() :])
    return rest[:1].upper() + rest[1:]


def does_not_know(fallback: str) -> str:
    """What is said to a question of the domain that nothing answers."""
    return f"{DO_NOT_KNOW} {without_apology(fallback)}".rstrip()


def is_miss(said: str, fallback: str) -> bool:
    """Whether the bot's words said that it did not get or know something; they may have been cut short."""
    ways = (
        fallback, DO_NOT_KNOW, DO_NOT_UNDERSTAND, AGAIN_NOT, NOR_THIS, NEITHER_KNOWN, STILL_NOT, IN_OTHER_WORDS,
        HEARD.partition("{")[0],
    )  # fmt: skip
    return len(said) >= _TELLING and any(said.startswith(way) or way.startswith(said) for way in ways)


def declines(said: str, fallback: str) -> bool:
    """Whether words refuse what was asked, without doing or answering it."""
    jokes = NO_JOKES.partition("{")[0]
    return said in (fallback, does_not_know(fallback), CALM, CALM_ALONE) or said.startswith(jokes)


def own_words(text: str) -> set[str]:
    """The words of a normalised sentence that name something."""
    return set(text.split()) - TOPICLESS


def leans(text: str) -> bool:
    """Whether a normalised question is about what was spoken of before: "how long do i have", "and for kids"."""
    named = len(own_words(text))
    return bool(_WITHIN.search(text)) and named < 2 or bool(_MORE.match(text)) and named < 3
