"""What a caller says of a card while it is asked for, and what of it passes: a leg's till, as the gateway has it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from parley.v1 import call_pb2, conversation_pb2, stt_pb2
from services.gateway.till.early import LOST, MAX_EARLY, Early
from services.gateway.till.till import KEYS_GAP_S, MAX_TOKENS, MORE_S, Till

CARD, CODE, FREE = call_pb2.EXPECT_CARD, call_pb2.EXPECT_CARD_CODE, call_pb2.EXPECT_FREE
VISA, MASTER, AMEX = "4242424242424242", "5555555555554444", "378282246310005"
SPOKEN_VISA = " ".join(["four two"] * 8)
CallEvent = conversation_pb2.CallEvent
CallCommand = conversation_pb2.CallCommand


@dataclass
class Call:
    """One leg: what the bot asks, what the caller says, what was told to the mind, what was kept."""

    payment: bool = True
    now: float = 100.0
    kept: list[tuple[str, str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.till = Till(lambda *number: self.kept.append(number), lambda: self.now)
        self.till.command(CallCommand(session=conversation_pb2.Session(payment=self.payment)))
        self._utterance = 0

    def bot(self, expect: int = FREE) -> None:
        """Another utterance sounds, which asks for this."""
        self._utterance += 1
        say = conversation_pb2.Say(utterance=self._utterance, expect=expect)  # type: ignore[arg-type]
        self.till.command(CallCommand(say=say))
        self.till.hide(CallEvent(utterance_started=conversation_pb2.UtteranceStarted(utterance=self._utterance)))

    def says(self, text: str) -> str:
        """A final; what passes of it."""
        words = [stt_pb2.SpokenWord(text=word) for word in text.split()]
        event = CallEvent(speech=stt_pb2.RecognizeEvent(final=stt_pb2.Final(text=text, words=words)))
        return self._passes(event).speech.final.text

    def guessed(self, text: str) -> str:
        interim = stt_pb2.Interim(text=text)
        return self._passes(CallEvent(speech=stt_pb2.RecognizeEvent(interim=interim))).speech.interim.text

    def ends_turn(self, text: str) -> str:
        ended = stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_CONFIRMED, text=text)
        return self._passes(CallEvent(speech=stt_pb2.RecognizeEvent(turn_ended=ended))).speech.turn_ended.text

    def types(self, text: str) -> str:
        return self._passes(CallEvent(typed=conversation_pb2.Typed(text=text))).typed.text

    def presses(self, keys: str) -> str:
        """What the mind has collected of them."""
        passed = (self._passes(CallEvent(dtmf=conversation_pb2.Dtmf(digit=key))).dtmf.digit for key in keys)
        return "".join(passed)

    def _passes(self, event: CallEvent) -> CallEvent:
        self.till.hide(event)
        self.told.append(str(event))
        return event

    @property
    def numbers(self) -> list[str]:
        return [digits for _, _, digits in self.kept]

    @property
    def token(self) -> str:
        return f"[{self.kept[-1][0]}]"

    def leaks(self, number: str) -> bool:
        """Whether four digits of it in a row stand in anything that was told."""
        return any(number[n : n + 4] in told for told in self.told for n in range(len(number) - 3))


def test_a_card_that_is_said_becomes_a_token_and_is_kept_once() -> None:
    call = Call()
    call.bot(CARD)
    assert call.guessed("four two four two") == "[part of a number]"
    said = call.says(f"it's {SPOKEN_VISA} okay")
    assert said == f"it's {call.token} okay"
    assert call.ends_turn(f"It's {SPOKEN_VISA}, okay.") == f"It's {call.token}, okay."
    assert call.numbers == [VISA]
    assert not any("four" in told or "two" in told for told in call.told)


def test_a_card_that_is_keyed_is_told_as_its_token() -> None:
    call = Call()
    call.bot(CARD)
    assert call.presses(VISA + "#") == f"{call.token}#"
    assert call.numbers[-1] == VISA
    assert not call.leaks(VISA)


def test_a_star_begins_the_keys_anew_and_a_late_key_tells_the_token_again() -> None:
    call = Call()
    call.bot(CARD)
    call.presses("5555*")
    call.presses(AMEX)
    assert call.numbers[-1] == AMEX
    call.now += KEYS_GAP_S + 1
    assert call.presses("9").startswith("[card-")


def test_a_number_in_several_pieces_and_turns_is_whole_with_the_last() -> None:
    call = Call()
    call.bot(CARD)
    assert call.says("four two four two four two four two") == "[part of a number]"
    assert call.numbers == []
    call.bot()  # "go on"
    assert call.says("four two four two, four two four two") == call.token
    assert call.numbers == [VISA]


def test_a_number_that_is_corrected_is_the_one_that_was_said_last() -> None:
    call = Call()
    call.bot(CARD)
    said = call.says("5555 5555 5555 4445, sorry, 5555 5555 5555 4444")
    assert said == f"{call.token}, sorry, {call.token}"
    assert call.numbers == [MASTER]
    call.says(f"no, take the other one, {VISA}")
    assert call.numbers == [MASTER, VISA]
    assert len({token for token, _, _ in call.kept}) == 1
    assert not call.leaks(MASTER)
    assert not call.leaks(VISA)


def test_a_wrong_digit_is_no_number_and_nothing_of_it_passes() -> None:
    call = Call()
    call.bot(CARD)
    assert call.says("4242 4242 4242 4241") == "[part of a number]"
    assert call.numbers == []
    call.bot(CARD)  # asked again
    assert call.says(VISA) == call.token
    assert call.numbers == [VISA]


def test_a_part_of_a_wrong_number_is_no_number_by_chance() -> None:
    """The first thirteen digits have the right check digit, and so has a row over two tries of one periodic number."""
    call = Call()
    call.bot(CARD)
    assert call.says(" ".join("4222222222222445")) == "[part of a number]"
    call.bot(CARD)
    call.says("five one oh five one oh five one oh five one oh five one oh three")
    call.bot(CARD)
    assert call.says("five one oh five one oh five one") == "[part of a number]"
    assert call.says("oh five one oh five one oh oh") == call.token
    assert call.numbers == ["5105105105105100"]


def test_who_is_asked_to_say_that_again_is_still_asked_for_the_card() -> None:
    call = Call()
    call.bot(CARD)
    assert call.says("4242 4242 4242 4241") == "[part of a number]"
    call.bot()  # "Sorry, I did not get that."
    assert call.says("4242 4242 4242 4249") == "[part of a number]"
    assert not call.leaks("4242424242424249")


def test_the_date_in_the_same_breath_is_hidden_and_no_part_of_the_number() -> None:
    call = Call()
    call.bot(CARD)
    assert call.says(f"{SPOKEN_VISA} twelve twenty eight") == call.token
    assert call.numbers == [VISA]


def test_the_code_is_another_token_of_its_own_kind() -> None:
    call = Call()
    call.bot(CARD)
    call.says(VISA)
    call.bot(CODE)
    assert call.says("seven three seven") == call.token
    assert call.kept[-1][1:] == ("code", "737")
    assert call.kept[0][0].startswith("card-")
    assert call.kept[-1][0].startswith("code-")


CODES = [["nine seven three", "one"], ["nine seven", "three one"], ["1228", "9731"], ["9 7 3 1"]]


@pytest.mark.parametrize("said", CODES)
def test_a_code_may_be_said_in_pieces_and_behind_other_numbers(said: list[str]) -> None:
    call = Call()
    call.bot(CODE)
    for text in said:
        call.says(text)
    assert call.numbers[-1] == "9731"


def test_after_the_answer_numbers_are_numbers_again() -> None:
    call = Call()
    call.bot(CARD)
    call.says(VISA)
    call.bot()
    assert call.says("my zip is nine four one oh seven") == "my zip is nine four one oh seven"


def test_a_question_that_is_not_answered_is_over_with_the_next_words_of_the_bot() -> None:
    call = Call()
    call.bot(CARD)
    call.says("hold on please")
    call.bot()
    assert call.says("order four four one nine two") == "order four four one nine two"


def test_half_a_number_is_waited_for_no_longer_than_a_minute() -> None:
    call = Call()
    call.bot(CARD)
    call.says("4242 4242")
    call.bot()
    call.now += MORE_S + 1
    call.bot()
    assert not call.till.asking


def test_words_that_are_no_digits_pass_as_they_are() -> None:
    call = Call()
    call.bot(CARD)
    for text in ("one moment please", "I do not have it here", "why do you ask?", "oh no"):
        assert call.says(text) == text


def test_a_single_digit_of_a_correction_does_not_pass() -> None:
    call = Call()
    call.bot(CARD)
    assert call.says("no, the last one is a seven") == "no, the last one is a [part of a number]"


WRITTEN = [VISA, "4242-4242-4242-4242", "4242.4242.4242.4242", "4242 4242 42 42 4242", f"nr{VISA}"]


@pytest.mark.parametrize("said", WRITTEN)
def test_a_number_that_is_typed_becomes_a_token_however_it_is_written(said: str) -> None:
    call = Call()
    call.bot(CARD)
    assert call.types(f"{said} thanks") == f"{call.token} thanks"
    assert call.numbers == [VISA]


def test_digits_of_other_scripts_are_digits() -> None:
    call = Call()
    call.bot(CARD)
    call.types("".join(chr(ord("\u0660") + int(digit)) for digit in VISA))
    assert call.numbers == [VISA]


def test_a_card_that_nobody_asked_for_becomes_a_token_too_where_callers_pay() -> None:
    call = Call()
    call.bot()
    assert call.says(f"just take {SPOKEN_VISA} as ever") == f"just take {call.token} as ever"
    assert call.says("the security code is 737").startswith("the security code is [code-")
    assert call.numbers == [VISA, "737"]
    assert call.says("my order is 44192") == "my order is 44192"


def test_where_nobody_pays_nothing_is_changed() -> None:
    call = Call(payment=False)
    call.bot()
    assert call.says(SPOKEN_VISA) == SPOKEN_VISA
    assert call.kept == []


def test_a_leg_that_begins_in_the_middle_of_the_question_hides_at_once() -> None:
    call = Call()
    call.till.command(CallCommand(session=conversation_pb2.Session(payment=True, asking=CARD)))
    assert call.says(VISA) == call.token


def test_a_question_that_was_interrupted_is_asked_all_the_same() -> None:
    call = Call()
    call.till.command(CallCommand(stop=conversation_pb2.Stop(expect=CARD)))
    assert call.says(VISA) == call.token


def test_there_is_an_end_to_what_one_leg_may_have_kept() -> None:
    call = Call()
    for _ in range(MAX_TOKENS + 3):
        call.bot(CARD)
        assert call.says(VISA).startswith("[card-")
    assert len(call.kept) == MAX_TOKENS


def test_the_words_times_stay_without_their_words() -> None:
    call = Call()
    call.bot(CARD)
    words = [stt_pb2.SpokenWord(text="4242", start_ms=1200, end_ms=1900)]
    event = CallEvent(speech=stt_pb2.RecognizeEvent(final=stt_pb2.Final(text="4242", words=words)))
    call.till.hide(event)
    assert [(word.text, word.start_ms) for word in event.speech.final.words] == [("", 1200)]


def typed(text: str) -> CallEvent:
    return CallEvent(typed=conversation_pb2.Typed(text=text))


def test_what_is_said_before_the_mind_has_told_what_it_asks_for_waits_and_then_goes_in_order() -> None:
    early = Early()
    said = [typed("4242 4242"), CallEvent(dtmf=conversation_pb2.Dtmf(digit="4")), typed("thanks")]
    assert all(early.holds(event) for event in said)
    assert not early.holds(CallEvent(leg=conversation_pb2.Leg())), "what says nothing does not wait"
    assert early.known() == said
    assert not early.holds(typed("now"))
    assert early.known() == []


def test_of_very_much_that_is_said_so_early_the_oldest_goes() -> None:
    early, before = Early(), LOST._value.get()
    for n in range(MAX_EARLY + 2):
        early.holds(typed(str(n)))
    assert [event.typed.text for event in early.known()] == [str(n) for n in range(2, MAX_EARLY + 2)]
    assert LOST._value.get() == before + 2
