"""One leg's till: what is said, typed or pressed in answer to a question for a card becomes a token.

The mind says what it asks for (`Say.expect`, `Stop.expect`, `Session.asking`). From the moment such a question begins
to sound until another utterance does, no digit passes. While a number has been begun and is not whole, it goes on so
for two more utterances, or a minute: "go on" is no end of the question. In a call that takes payments
(`Session.payment`) a whole card's number, or a code that is called one, becomes a token at any other time, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import Counter

from parley.pii import Span, Window
from parley.v1 import call_pb2, conversation_pb2
from services.gateway.till.hiding import PART, hidden, pieces_of
from services.gateway.till.purse import Kind, Purse, number_of

MAX_TOKENS = 12
"""Of one leg; what is said after that is hidden, and kept nowhere."""
MORE_UTTERANCES, MORE_S = 2, 60.0
KEYS_GAP_S = 2.0
"""As the mind waits for a next key: after it a token is told again."""

HIDDEN = Counter("voice_card_numbers_total", "Numbers of cards and their codes that became tokens", ["kind", "outcome"])

CallEvent = conversation_pb2.CallEvent
Keep = Callable[[str, Kind, str], None]
"""Is given token, kind and digits of a whole number, and does not wait."""
_ASKS: dict[int, Kind] = {call_pb2.EXPECT_CARD: "card", call_pb2.EXPECT_CARD_CODE: "code"}
_SECRET = frozenset(("card", "cvv"))


class Till:
    """`command` is told each command of the mind; `hide` is given each event before anybody else sees it."""

    def __init__(self, keep: Keep, now: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep
        self._now = now
        self._payment = False
        self._asks: dict[int, Kind] = {}
        self._sounding = 0
        self._asked: Kind | None = None
        self._purse: Purse | None = None
        self._told = ""
        self._over = 0
        self._over_at = 0.0
        self._key_at = 0.0
        self._tokens = 0
        self._window = Window()

    @property
    def asking(self) -> bool:
        """What the caller says now is hidden."""
        return self._asked is not None

    def command(self, command: conversation_pb2.CallCommand) -> None:
        kind = command.WhichOneof("command")
        if kind == "session":
            self._payment = command.session.payment
            if command.session.asking in _ASKS and self._asked is None:
                self._ask(_ASKS[command.session.asking])
        elif kind == "say" and (asks := _ASKS.get(command.say.expect)):
            said = command.say.utterance
            if said == self._sounding and self._asks.get(said) != asks:
                self._ask(asks)
            self._asks[said] = asks
        elif kind == "stop" and (asks := _ASKS.get(command.stop.expect)):
            self._ask(asks)

    def hide(self, event: CallEvent) -> CallEvent:
        """The event as others may see it: the same object, changed where it must be."""
        kind = event.WhichOneof("event")
        if kind == "utterance_started":
            self._began(event.utterance_started.utterance)
        elif kind == "speech":
            self._speech(event)
        elif kind == "typed":
            event.typed.text = self._words(event.typed.text, final=True)
        elif kind == "dtmf" and self._asked is not None:
            event.dtmf.digit = self._key(event.dtmf.digit)
        return event

    # What is asked for

    def _began(self, utterance: int) -> None:
        self._sounding = utterance
        asks = self._asks.get(utterance)
        self._asks = {n: each for n, each in self._asks.items() if n >= utterance}
        if asks is not None:
            self._ask(asks)
        elif self._asked is not None:
            self._over += 1
            self._over_at = self._over_at or self._now()
            late = self._now() - self._over_at > MORE_S
            if late or self._over > MORE_UTTERANCES or not (self._purse is not None and self._purse.is_begun):
                self._asked = None

    def _ask(self, kind: Kind) -> None:
        """A question for it: a new number, unless one was begun."""
        if self._asked != kind or self._purse is None or not self._purse.is_half:
            self._purse = self._new(kind)
        self._asked, self._over, self._over_at = kind, 0, 0.0

    def _new(self, kind: Kind) -> Purse:
        self._told = ""
        return Purse(kind)

    # What is said

    def _speech(self, event: CallEvent) -> None:
        speech = event.speech
        kind = speech.WhichOneof("event")
        if kind == "interim":
            speech.interim.text = self._words(speech.interim.text, final=False)
        elif kind == "final":
            said = speech.final.text
            speech.final.text = self._words(said, final=True)
            if speech.final.text != said:
                for word in speech.final.words:
                    word.text = ""
        elif kind == "turn_ended":
            speech.turn_ended.text = self._words(speech.turn_ended.text, final=False, again=True)

    def _words(self, text: str, *, final: bool, again: bool = False) -> str:
        if not text:
            return text
        if self._asked is None:
            return self._unasked(text, final=final) if self._payment else text
        purse = self._purse
        assert purse is not None
        pieces = pieces_of(text, purse.kind)
        if not pieces:
            return text
        if final:
            purse.add(pieces)
            self._settle(purse)
            return hidden(text, self._shown(purse, purse.number()))
        whole = purse.number() if again else ""  # the finals of a turn that ends are in the purse
        return hidden(text, self._shown(purse, whole or purse.number(pieces)))

    def _shown(self, purse: Purse, number: str) -> str:
        return f"[{purse.token}]" if number else PART

    def _settle(self, purse: Purse) -> None:
        """A whole number is kept; said again otherwise, it is kept in place of what was."""
        number = purse.number()
        if number and number != self._told:
            self._told = number
            self._give(purse.token, purse.kind, number)

    def _give(self, token: str, kind: Kind, number: str) -> None:
        self._tokens += 1
        kept = self._tokens <= MAX_TOKENS
        HIDDEN.labels(kind, "kept" if kept else "too many").inc()
        if kept:
            self._keep(token, kind, number)

    def _key(self, digit: str) -> str:
        """The first key of a number tells its token, the others nothing; `#` ends it as ever."""
        purse, now = self._purse, self._now()
        assert purse is not None
        first = now - self._key_at > KEYS_GAP_S
        if digit == "#":
            self._key_at = 0.0
            purse.keyed()
            self._settle(purse)
            return digit
        if not digit.isdecimal() and digit != "*":
            return ""
        if first:
            purse.keyed()
        self._key_at = now
        purse.key(digit)
        self._settle(purse)
        return f"[{purse.token}]" if first else ""

    # What is said though nobody asked

    def _unasked(self, text: str, *, final: bool) -> str:
        """A whole number of a card, or a code that is called one."""
        window = self._window if final else self._window.copy()
        spans = [span for span in window.find(text) if span.kind in _SECRET]
        parts, at = [], 0
        for span in spans:
            parts += [text[at : span.start], self._token_of(text, span, final=final)]
            at = span.end
        return "".join([*parts, text[at:]])

    def _token_of(self, text: str, span: Span, *, final: bool) -> str:
        kind: Kind = "card" if span.kind == "card" else "code"
        number = number_of(pieces_of(text[span.start : span.end], kind), kind)
        if not (number and final):
            return f"[{kind} number]" if kind == "card" else "[card code]"
        purse = self._new(kind)
        self._give(purse.token, kind, number)
        return f"[{purse.token}]"
