"""Who has the floor: calls as scripts of what the ears heard, one line an event, in audio time."""

import pytest

from parley.errors import BadInput
from services.stt.contract import (
    Endpointing,
    Expect,
    Final,
    Flush,
    Interim,
    Pauses,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
    TurnKind,
)
from services.stt.endpointing import Turns, checked, policy
from services.stt.endpointing.fixed import fixed

VENDOR_SAYS_DONE = TurnKind.CONFIRMED


class Call:
    """Times in ms of audio."""

    def __init__(
        self, wish: Endpointing | None = None, *, vad: bool = True, offset_ms: int = 0, begun: Final | None = None
    ) -> None:
        wish = wish or Endpointing()
        offset_ms = begun.end_ms if begun is not None else offset_ms
        self.turns = Turns(wish, Pauses(), offset_ms, vad=vad, policy=policy(wish.policy), said=begun)
        self.told: list[SpeechEvent | Flush] = []
        self.now = offset_ms

    def voice(self, begin: int, end: int) -> "Call":
        """The VAD hears a voice; it tells of the end 192 ms later."""
        self.until(begin + 32)
        self.told += self.turns.edge(SpeechStarted(begin))
        self.until(end + 192)
        self.told += self.turns.edge(SpeechStopped(end))
        return self

    def starts(self, begin: int) -> "Call":
        self.until(begin + 32)
        self.told += self.turns.edge(SpeechStarted(begin))
        return self

    def until(self, now: int) -> "Call":
        while self.now + 32 <= now:
            self.now += 32
            self.told += self.turns.progress(self.now, self.now)
        return self

    def interim(self, text: str, begin: int, end: int) -> "Call":
        self.told += self.turns.heard(Interim(text, begin, end))
        return self

    def final(self, text: str, begin: int, end: int) -> "Call":
        self.told += self.turns.heard(Final(text, begin, end))
        return self

    def vendor(self, at: int) -> "Call":
        self.told += self.turns.heard(TurnEnded(VENDOR_SAYS_DONE, at))
        return self

    @property
    def ends(self) -> list[TurnEnded]:
        return [e for e in self.told if isinstance(e, TurnEnded) and e.kind is TurnKind.CONFIRMED]

    @property
    def texts(self) -> list[str]:
        return [e.text for e in self.ends]

    def count(self, kind: type) -> int:
        return sum(isinstance(e, kind) for e in self.told)


def said(call: Call, text: str = "where is my order", begin: int = 1000, end: int = 2000) -> Call:
    """A sentence that the recogniser makes final without an opinion of its own."""
    return call.voice(begin, end).final(text, begin, end)


def test_the_vendors_end_of_speech_ends_the_turn_at_once() -> None:
    call = said(Call()).until(2300).vendor(2300)
    assert call.texts == ["where is my order"]
    assert call.ends[0].speech_end_ms == 2000
    assert call.ends[0].offset_ms == 2300
    assert call.ends[0].kind is TurnKind.CONFIRMED


def test_a_min_delay_that_the_vendor_has_waited_already_adds_nothing() -> None:
    call = said(Call(Endpointing(min_delay_ms=200))).vendor(2200)
    assert call.texts == ["where is my order"]


def test_a_longer_min_delay_is_waited_out_in_audio_time() -> None:
    call = said(Call(Endpointing(min_delay_ms=800))).vendor(2300).until(2790)
    assert call.texts == []
    call.until(2832)
    assert call.texts == ["where is my order"]


def test_without_the_vendors_opinion_500_ms_of_silence_end_the_turn() -> None:
    call = said(Call()).until(2490)
    assert call.texts == []
    assert call.until(2530).texts == ["where is my order"]


def test_a_turn_ends_once_although_opinions_go_on_coming() -> None:
    call = said(Call()).until(2600).vendor(2700).vendor(3000).until(6000)
    assert len(call.ends) == 1


def test_finals_of_one_turn_add_up() -> None:
    call = Call().voice(0, 3000).final("I would like", 0, 1200).final("two tickets", 1300, 2000)
    call.final("please", 2100, 3000).vendor(3300)
    assert call.texts == ["I would like two tickets please"]


def test_a_cough_brings_speech_stopped_and_no_turn() -> None:
    call = Call().voice(1000, 1200).until(9000)
    assert [type(e) for e in call.told if not isinstance(e, Flush)] == [SpeechStarted, SpeechStopped]
    assert call.turns.settled_ms


def test_speech_that_was_not_understood_is_told_and_is_no_turn() -> None:
    call = Call().voice(1000, 2000).interim("blah", 1000, 1500).final("", 1000, 2000).until(9000)
    assert call.texts == []
    assert call.count(Final) == 1
    assert call.turns.settled_ms == call.now


def test_words_still_on_their_way_are_asked_for_and_awaited() -> None:
    call = Call().voice(1000, 2000).interim("where is", 1000, 1500).until(2600)
    assert call.count(Flush) == 1
    assert call.until(3000).count(Flush) == 1
    assert call.texts == []
    assert call.final("where is my order", 1000, 1990).texts == ["where is my order"]


def test_a_recogniser_that_does_not_answer_is_waited_for_until_it_is_found_out() -> None:
    """It stalled in mid-sentence: half a question is no question. Whoever watches it takes less than these 4 s."""
    call = Call().voice(1000, 3000).final("where is", 1000, 1500).interim("my order", 1600, 2900)
    call.until(6900)
    assert call.texts == []
    assert call.until(7100).texts == ["where is"]


def test_a_recogniser_that_stalls_after_the_first_word_of_many_does_not_end_the_turn_with_it() -> None:
    """The caller spoke on for 3 s; no interim ever told of that."""
    call = Call(Endpointing(min_delay_ms=200, max_delay_ms=800)).voice(1000, 4400).final("now", 1000, 1300)
    call.until(8300)
    assert (call.texts, call.count(Flush)) == ([], 1)
    assert call.final("tell me quickly", 1400, 4400).texts == ["now tell me quickly"]


def test_a_recogniser_that_was_late_tells_the_rest_right_behind_the_first_words() -> None:
    """It stood still in mid-sentence and answers two seconds after the caller has finished, in two parts."""
    wish = Endpointing(min_delay_ms=200, max_delay_ms=800)
    call = Call(wish).voice(1000, 3200).interim("tell me", 1000, 1500).until(5600)
    call.final("tell me quickly", 1000, 2000)
    assert call.texts == []
    call.until(5700).interim("of alpha", 2100, 3000).final("of alpha lima", 2100, 3200)
    assert call.until(6000).texts == ["tell me quickly of alpha lima"]


def test_a_recogniser_that_was_asked_and_has_no_more_words_is_waited_for_no_longer_than_before() -> None:
    call = Call().voice(1000, 3000).final("where is", 1000, 1500).until(3600)
    assert call.count(Flush) == 1
    call.told += call.turns.heard(Interim("", 3600, 3600))
    assert call.until(4700).texts == ["where is"]


def test_the_turn_of_another_recogniser_goes_on_and_is_told_as_one() -> None:
    call = Call(begun=Final("where is", 1000, 1500)).voice(1700, 2400).until(3200)
    assert (call.texts, call.count(Flush)) == ([], 1)
    assert call.final("my order", 1700, 2400).texts == ["where is my order"]


def test_a_turn_that_had_only_to_end_ends_once_the_next_recogniser_has_answered() -> None:
    """All words were told. What is heard again has none, but nobody knows that before it was listened to."""
    call = Call(begun=Final("where is my order", 1000, 1500)).until(2200)
    assert (call.texts, call.count(Flush)) == ([], 1)
    call.told += call.turns.heard(Interim("", 2200, 2200))
    assert call.texts == ["where is my order"]


def test_a_turn_that_had_only_to_end_waits_no_second_longer_for_a_recogniser_that_has_nothing_to_say() -> None:
    call = Call(begun=Final("where is my order", 1000, 1500)).until(2450)
    assert call.texts == []
    assert call.until(2560).texts == ["where is my order"]


def test_a_cough_after_the_last_word_of_which_a_recogniser_says_nothing_is_waited_for_no_longer_than_before() -> None:
    call = said(Call(Endpointing(min_delay_ms=500, max_delay_ms=800))).until(2250).voice(2300, 2500)
    assert call.until(3700).texts == []
    assert call.until(3850).texts == ["where is my order"]


def test_a_word_that_is_heard_again_in_one_go_is_not_left_to_the_next_turn() -> None:
    """The VAD is through with the replay before the recogniser: the first of its finals ends nothing."""
    call = Call(offset_ms=1500).voice(1600, 2900).until(4000).final("tell me", 1600, 2500)
    assert (call.texts, call.count(Flush)) == ([], 2)
    assert call.final("now", 2600, 2900).texts == ["tell me now"]


@pytest.mark.parametrize("end", [970, 1020])
def test_the_rest_of_a_word_is_not_told_again_where_the_next_recogniser_begins(end: int) -> None:
    call = Call(begun=Final("where is", 100, 900)).interim("is", 900, end).final("is", 900, end)
    assert call.told == []
    assert call.voice(1000, 1900).final("my order", 1000, 1900).until(2700).texts == ["where is my order"]


def test_the_rest_of_a_word_whose_turn_is_over_makes_no_turn() -> None:
    call = Call(offset_ms=2000).voice(2000, 2080).interim("order", 2000, 2090).final("order", 2000, 2090).until(5000)
    assert (call.ends, call.count(Interim), call.count(Final)) == ([], 0, 0)


def test_a_short_word_at_the_beginning_of_a_call_is_heard() -> None:
    assert Call().voice(0, 110).final("no", 0, 110).until(800).texts == ["no"]


def test_what_comes_late_of_a_turn_that_has_ended_is_no_turn() -> None:
    call = said(Call()).until(2600)
    known = list(call.told)
    call.interim("where is my", 1000, 1800).interim("where is my order", 1000, 2000)
    call.final("where is my order", 1000, 2000).final("order", 1700, 1990).until(9000)
    assert (call.told, call.texts) == (known, ["where is my order"])


def test_words_that_are_final_are_not_guessed_again() -> None:
    call = Call().voice(0, 1200).final("I would like", 0, 1200).interim("would like", 300, 1180)
    assert call.count(Interim) == 0
    assert call.until(2000).texts == ["I would like"]


def test_who_says_no_and_no_again_has_said_it_twice() -> None:
    call = Call().voice(1000, 1250).final("no", 1000, 1250).until(1800)
    call.voice(1900, 2150).interim("no", 1900, 2150).final("no", 1900, 2150).until(2900)
    assert call.texts == ["no", "no"]


def test_a_recogniser_that_has_only_told_words_to_tell_has_answered() -> None:
    call = Call(begun=Final("where is my order", 1000, 1500)).until(2200)
    assert (call.texts, call.count(Flush)) == ([], 1)
    assert call.final("order", 1500, 1590).texts == ["where is my order"]


def test_words_on_their_way_are_given_real_time_although_replayed_audio_is_past() -> None:
    call = Call(Endpointing(Expect.DIGITS)).voice(1000, 1500).final("1 2", 1000, 1500).voice(2400, 3000)
    call.told += call.turns.progress(20_000, 1600)
    assert call.texts == []
    assert call.final("3 4", 2400, 3000).texts == ["1 2 3 4"]


def test_speech_that_goes_on_takes_back_the_vendors_end() -> None:
    call = said(Call(Endpointing(min_delay_ms=800))).vendor(2300).starts(2400).until(3600)
    assert call.texts == []
    call.interim("and the bill", 2400, 3000)
    call.told += call.turns.edge(SpeechStopped(3500))
    call.final("and the bill", 2400, 3450).until(4400)
    assert call.texts == ["where is my order and the bill"]


def test_noise_after_the_words_does_not_hold_the_turn_for_ever() -> None:
    call = said(Call()).starts(2200).vendor(2300).until(8900)
    assert call.texts == []
    assert call.until(9100).texts == ["where is my order"]


def test_a_cough_after_the_words_delays_the_end_only_until_the_vendor_has_heard_it() -> None:
    call = said(Call()).starts(2250).vendor(2300)
    assert call.texts == []
    call.until(2600)
    call.told += call.turns.edge(SpeechStopped(2400))
    assert call.texts == []
    assert call.vendor(2700).texts == ["where is my order"]


def test_in_steady_noise_the_vendor_decides() -> None:
    call = Call().starts(100).final("where is my order", 1000, 2000).vendor(3000)
    assert call.texts == ["where is my order"]


@pytest.mark.parametrize("expect", [Expect.DIGITS, Expect.SPELLING])
def test_who_reads_out_a_number_is_given_the_long_delay(expect: Expect) -> None:
    call = Call(Endpointing(expect, max_delay_ms=3000))
    call.voice(1000, 2000).final("12", 1000, 2000).vendor(2300).until(4000)
    call.voice(4100, 5000).final("34", 4100, 5000).vendor(5300).until(7900)
    assert call.texts == []
    assert call.until(8032).texts == ["12 34"]
    assert call.ends[0].pauses == Pauses(1, 2100, 2100)


def test_a_new_endpointing_takes_effect_in_mid_turn() -> None:
    call = said(Call(Endpointing(Expect.DIGITS, max_delay_ms=5000))).vendor(2300).until(3000)
    call.told += call.turns.configure(Endpointing(), fixed)
    assert call.texts == ["where is my order"]


def test_with_a_button_only_the_button_ends_the_turn() -> None:
    call = said(Call(Endpointing(Expect.BUTTON))).vendor(2300).until(20000)
    assert call.texts == []
    call.told += call.turns.end_of_turn(call.now)
    assert call.texts == ["where is my order"]


def test_the_button_let_go_in_mid_word_flushes_and_waits_for_the_words() -> None:
    call = Call(Endpointing(Expect.BUTTON)).starts(1000).interim("where is", 1000, 1500)
    call.told += call.turns.end_of_turn(call.now)
    assert call.count(Flush) == 1
    assert call.texts == []
    call.final("where is my order", 1000, 2000)
    assert call.texts == ["where is my order"]


def test_the_button_let_go_ends_the_turn_although_the_flush_is_not_answered() -> None:
    call = Call(Endpointing(Expect.BUTTON)).starts(1000).final("where is my order", 1000, 1900)
    call.told += call.turns.end_of_turn(call.now)
    assert call.texts == []
    call.told += call.turns.overdue()
    assert call.texts == ["where is my order"]


def test_the_button_let_go_before_anybody_has_heard_the_words() -> None:
    call = Call(Endpointing(Expect.BUTTON))
    call.told += call.turns.end_of_turn(1600)
    call.voice(1000, 1500).interim("hello", 1000, 1400)
    assert call.texts == []
    assert call.final("hello", 1000, 1400).texts == ["hello"]


def test_a_flush_with_nothing_to_tell_ends_the_turn_of_the_button() -> None:
    call = said(Call(Endpointing(Expect.BUTTON)))
    call.told += call.turns.end_of_turn(call.now)
    assert call.texts == []
    assert call.interim("", 2000, 2100).texts == ["where is my order"]
    assert Interim("", 2000, 2100) not in call.told


def test_the_button_without_a_word_ends_nothing() -> None:
    call = Call(Endpointing(Expect.BUTTON)).until(1000)
    call.told += [*call.turns.end_of_turn(call.now), *call.turns.overdue()]
    assert call.told == [Flush.FLUSH]


def test_without_vad_the_vendors_edges_are_told() -> None:
    call = Call(vad=False)
    for event in (
        SpeechStarted(900),
        Interim("where", 1000, 1300),
        Final("where is my order", 1000, 2000),
        SpeechStopped(2000),
        TurnEnded(VENDOR_SAYS_DONE, 2300),
    ):
        call.told += call.turns.heard(event)
    assert [type(e) for e in call.told] == [SpeechStarted, Interim, Final, SpeechStopped, TurnEnded]


def test_without_a_vad_a_voice_whose_end_the_recogniser_forgets_to_tell_ends() -> None:
    call = Call(vad=False)
    call.told += call.turns.heard(SpeechStarted(100))
    call.interim("Yeah.", 100, 400).until(3390)
    assert not any(isinstance(e, SpeechStopped) for e in call.told)
    call.until(3500)
    assert [e for e in call.told if isinstance(e, SpeechStopped)] == [SpeechStopped(400)]
    assert Flush.FLUSH in call.told
    call.final("Yeah.", 100, 400).until(4100)
    assert [end.text for end in call.ends] == ["Yeah."]


def test_without_a_vad_noise_that_began_and_had_no_word_ends_too() -> None:
    call = Call(vad=False)
    call.told += call.turns.heard(SpeechStarted(100))
    call.until(3500)
    assert call.told == [SpeechStarted(100), SpeechStopped(100)]


def test_words_that_no_edge_announced_are_announced_by_themselves() -> None:
    call = Call().until(1000).interim("hello", 700, 1000).final("hello", 700, 1000).vendor(1300)
    assert [type(e) for e in call.told] == [SpeechStarted, Interim, Final, SpeechStopped, TurnEnded]


def test_with_vad_the_vendors_edges_are_not_told_twice() -> None:
    call = Call().starts(1000)
    call.told += call.turns.heard(SpeechStarted(1010))
    assert call.count(SpeechStarted) == 1


def test_an_interim_taken_back_is_told_and_holds_nothing() -> None:
    call = Call().voice(1000, 1300).interim("uh", 1000, 1300).interim("", 1300, 1600).until(9000)
    assert call.texts == []
    assert not call.turns.pending


def test_a_caller_who_never_stops_talking_is_cut_and_counted() -> None:
    call = Call().starts(0)
    for n in range(20):
        call.until(5000 * (n + 1)).final("and then", 5000 * n, 5000 * (n + 1))
    assert len(call.ends) == 1
    assert call.turns.long_turns == 1


def test_words_of_a_call_that_ends_are_a_turn() -> None:
    call = Call().starts(1000).final("goodbye", 1000, 1500)
    call.told += call.turns.finish()
    assert [type(e) for e in call.told] == [SpeechStarted, Final, SpeechStopped, TurnEnded]


def test_a_late_final_after_the_end_is_a_turn_of_its_own() -> None:
    call = said(Call()).until(2600).final("today", 2100, 2400).until(4000)
    assert call.texts == ["where is my order", "today"]


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Endpointing(policy="psychic"), "there is no 'psychic'; known are dynamic, fixed"),
        (Endpointing(min_delay_ms=70_000), "endpointing.min_delay_ms: 70000 is not within 0..60000"),
        (Endpointing(min_delay_ms=900, max_delay_ms=800), "900 is above max_delay_ms"),
    ],
)
def test_a_wish_that_cannot_be_kept_is_refused_by_name(wish: Endpointing, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        checked(wish)


def test_edges_of_replayed_audio_that_come_after_its_turn_are_no_new_speech() -> None:
    call = Call().final("where is my order", 300, 2900)
    call.told += call.turns.heard(TurnEnded(VENDOR_SAYS_DONE, 3200))
    before = len(call.told)
    assert isinstance(call.told[-1], TurnEnded)
    call.told += call.turns.edge(SpeechStarted(320))
    call.told += call.turns.edge(SpeechStopped(2952))
    assert call.told[before:] == []
    call.told += call.turns.edge(SpeechStarted(4000))
    assert call.told[before:] == [SpeechStarted(4000)]


MEANING = Endpointing(policy="meaning")


def after_a_pause(call: Call, first: str, pause_ms: int, rest: str) -> list[str]:
    """`first` until 1500, a pause, then `rest`; words come 150 ms late, final soon after a silence."""
    again = 1500 + pause_ms
    call.starts(1000).until(1500 + 150)
    call.interim(first, 1000, 1500)
    if pause_ms >= 192:
        call.until(1500 + 192)
        call.told += call.turns.edge(SpeechStopped(1500))
        call.until(min(again, 1500 + 350)).final(first, 1000, 1500)
        call.starts(again)
    call.until(again + 900 + 192)
    call.told += call.turns.edge(SpeechStopped(again + 900))
    return call.until(again + 1200).final(rest, again, again + 900).until(again + 6000).texts


@pytest.mark.parametrize("pause_ms", range(150, 501, 25))
@pytest.mark.parametrize(
    "opener", ["thanks", "okay", "right", "no", "yes", "hello", "please", "sure", "great", "thank you", "got it"]
)
def test_a_commas_pause_behind_what_may_be_all_does_not_end_the_turn(opener: str, pause_ms: int) -> None:
    texts = after_a_pause(Call(MEANING), opener, pause_ms, "and what should I do next")
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("expect", "answer"),
    [
        (Expect.YES_NO, "yes"),
        (Expect.YES_NO, "sure"),
        (Expect.CHOICE, "tuesday"),
        (Expect.DAY, "tuesday"),
        (Expect.TIME, "ten thirty"),
        (Expect.NAME, "anna berg"),
        (Expect.AMOUNT, "two"),
    ],
)
def test_a_whole_answer_ends_the_turn_within_350_ms(expect: Expect, answer: str) -> None:
    call = Call(Endpointing(expect, policy="meaning")).voice(1000, 1500).interim(answer, 1000, 1500).until(1800)
    call.final(answer, 1000, 1500).until(1860)
    assert call.texts == [answer]


@pytest.mark.parametrize("pause_ms", range(150, 501, 25))
@pytest.mark.parametrize("answer", ["no", "okay", "right", "please", "great"])
def test_behind_a_no_that_was_asked_for_its_reason_may_come(answer: str, pause_ms: int) -> None:
    texts = after_a_pause(Call(Endpointing(Expect.YES_NO, policy="meaning")), answer, pause_ms, "the other one")
    assert len(texts) == 1
