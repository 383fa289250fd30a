"""The early word that a turn is probably over: scripts as in test_endpointing."""

from services.stt.contract import Endpointing, Flush, Interim, Pauses, TurnEnded, TurnKind
from tests.stt.test_endpointing import Call

MEANING = Endpointing(policy="meaning")


def kinds(call: Call) -> list[str]:
    return [event.kind.value for event in call.told if isinstance(event, TurnEnded)]


def test_a_statement_is_told_early_and_confirmed_with_the_same_words() -> None:
    call = Call(MEANING).voice(1000, 2000).interim("the blue one", 1000, 2000).until(2400)
    early = next(e for e in call.told if isinstance(e, TurnEnded))
    assert (early.kind, early.text, early.speech_end_ms) == (TurnKind.EAGER, "the blue one", 2000)
    assert early.offset_ms <= 2300
    assert 0.5 <= early.confidence < 1
    call.final("The blue one.", 1000, 1990).until(4000)
    assert kinds(call) == ["eager", "confirmed"]
    assert call.texts == ["The blue one."]


def test_words_that_come_after_it_take_it_back_before_they_are_told() -> None:
    call = Call(MEANING).voice(1000, 2000).interim("the blue one", 1000, 2000).until(2400)
    call.starts(2500).interim("the blue one with the", 1000, 3000)
    at = next(i for i, e in enumerate(call.told) if isinstance(e, TurnEnded) and e.kind is TurnKind.RESUMED)
    assert isinstance(call.told[at + 1], Interim)
    assert kinds(call) == ["eager", "resumed"]


def test_a_final_with_other_words_takes_it_back_before_the_end() -> None:
    call = Call(MEANING).voice(1000, 2000).interim("goodbuy", 1000, 2000).until(2300)
    call.final("goodbye", 1000, 2000).until(2400)
    assert kinds(call) == ["eager", "resumed", "confirmed"]


def test_a_cough_after_it_takes_nothing_back() -> None:
    call = Call(MEANING).voice(1000, 2000).final("the blue one", 1000, 2000).until(2300).voice(2400, 2500)
    call.interim("", 2500, 2700).vendor(2800).until(5000)
    assert kinds(call) == ["eager", "confirmed"]


def test_an_open_end_is_told_early_only_when_hardly_any_wait_is_left() -> None:
    call = Call(MEANING).voice(1000, 2000).final("my number is", 1000, 2000).until(2900)
    assert kinds(call) == []
    call.until(3100)
    assert kinds(call) == ["eager"]
    assert call.until(4000).texts == ["my number is"]


def test_others_are_made_to_think_three_times_a_turn_and_not_more() -> None:
    call = Call(Endpointing(policy="meaning", max_delay_ms=3000))
    for n in range(6):
        begin = 1000 + n * 900
        call.voice(begin, begin + 300).final(f"part {n} of it", begin, begin + 300).until(begin + 600)
    assert kinds(call).count("eager") == 3
    assert kinds(call).count("resumed") == 3
    call.until(20_000)
    call.voice(21_000, 22_000).final("the blue one", 21_000, 22_000).until(25_000)
    assert kinds(call)[-2:] == ["eager", "confirmed"]


def test_a_complete_question_asks_for_its_words_at_once_and_ends_as_they_come() -> None:
    call = Call(MEANING).voice(1000, 2000).interim("where is my order", 1000, 2000).until(2260)
    assert call.count(Flush) == 1
    assert call.until(2500).texts == []
    assert call.final("where is my order", 1000, 2000).texts == ["where is my order"]


def test_while_a_word_is_missing_nothing_is_told_early() -> None:
    call = Call(MEANING).voice(1000, 2600).interim("where is my order", 1000, 2000).until(3400)
    assert call.count(Flush) == 1
    assert kinds(call) == []


def test_who_goes_on_right_after_the_end_is_waited_for_longer_from_then_on() -> None:
    call = Call(MEANING).voice(1000, 2000).final("the blue one", 1000, 2000).until(3000)
    assert call.texts == ["the blue one"]
    call.voice(3100, 3700).final("with the basket", 3100, 3700).until(6000)
    assert call.ends[-1].pauses == Pauses(1, 1100, 1100)


def test_a_question_that_was_cut_is_read_with_what_comes_after_it() -> None:
    call = Call(MEANING).voice(1000, 2000).final("where can i return it", 1000, 2000).until(2600)
    assert call.texts == ["where can i return it"]
    call.voice(2700, 3600).final("on a sunday", 2700, 3600).until(4000)
    assert call.texts == ["where can i return it", "on a sunday"]


def test_the_fixed_policy_tells_early_too() -> None:
    call = Call(Endpointing(min_delay_ms=800)).voice(1000, 2000).final("the blue one", 1000, 2000).until(2500)
    assert kinds(call) == ["eager"]


def test_finals_of_any_script_are_joined_as_it_is_written() -> None:
    call = Call(MEANING).voice(1000, 2000).final("我的订单", 1000, 1500).final("在哪里？", 1500, 2000).until(4000)
    assert call.texts == ["我的订单在哪里？"]
    call = Call(MEANING).voice(1000, 2000).final("मेरा ऑर्डर", 1000, 1500).final("कहाँ है", 1500, 2000).until(4000)
    assert call.texts == ["मेरा ऑर्डर कहाँ है"]


def test_another_vowel_sign_is_another_word() -> None:
    call = Call(MEANING).voice(1000, 2000).interim("मेरा की", 1000, 2000).until(2400)
    call.final("मेरा का।", 1000, 1990).until(4000)
    assert kinds(call)[:2] == ["eager", "resumed"]
    call = Call(MEANING).voice(1000, 2000).interim("मेरा का", 1000, 2000).until(2400)
    call.final("मेरा का।", 1000, 1990).until(4000)
    assert kinds(call) == ["eager", "confirmed"]
