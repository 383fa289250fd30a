"""Interruptions, backchannels, echoes and what was heard, in scripts with and without spaces between words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.text.backchannels import backchannels_of
from parley.text.scripts import joined, spaceless, weight
from parley.text.words import has_words, units, whole_until
from services.orchestrator.mind import events, history
from services.orchestrator.mind.caller.backchannels import begun_backchannel, real_words, sure_words
from services.orchestrator.mind.caller.interruption import is_nothing
from services.orchestrator.mind.effects import BargeIn, Resume, Retrieve, Stop, Think
from services.rag.library import MOST_CHARACTERS
from tests.orchestrator.calls import POLICY, Script, of, replayed

ANSWERS = {
    "zh": "您的订单已经发货了，预计星期五送到。请您在家等候快递。",
    "ja": "ご注文の自転車は月曜日に発送されました。金曜日に届く予定です。",
    "th": "คำสั่งซื้อของคุณถูกส่งแล้วเมื่อวันจันทร์ครับ จะถึงวันศุกร์ครับ",
    "hi": "आपका ऑर्डर सोमवार को भेज दिया गया है। यह शुक्रवार तक पहुँच जाएगा।",
    "ar": "تم شحن طلبك يوم الاثنين، وسيصل إليك يوم الجمعة إن شاء الله.",
    "km": "ការបញ្ជាទិញរបស់អ្នកត្រូវបានផ្ញើនៅថ្ងៃច័ន្ទ។ វានឹងមកដល់ថ្ងៃសុក្រ។",
    "ko": "주문하신 자전거는 월요일에 발송되었습니다. 금요일에 도착할 예정입니다.",
}
QUESTIONS = {
    "zh": "我的订单在哪里", "ja": "注文はどこですか", "th": "ของฉันอยู่ไหน", "hi": "मेरा ऑर्डर कहाँ है", "ar": "أين طلبي",
    "km": "ការបញ្ជាទិញរបស់ខ្ញុំនៅឯណា", "ko": "제 주문은 어디에 있나요",
}  # fmt: skip
WAITS = {
    "zh": "等一下", "ja": "ちょっと待って", "th": "หยุดก่อน", "hi": "रुकिए ज़रा", "ar": "انتظر لحظة", "ko": "잠깐 기다려",
}  # fmt: skip
NOS = {"zh": "不对", "ja": "いいえ", "th": "ไม่", "hi": "नहीं", "ar": "لا", "ko": "아니요"}
LETTER_MS = 70


def answering(language: str, **policy: object) -> Script:
    """A call in this language in which the bot's answer sounds."""
    heard = {"backchannels": backchannels_of(language), **policy}
    call = Script(replace(POLICY, **heard), language=language)  # type: ignore[arg-type]
    call.says(QUESTIONS[language])
    call.answers(ANSWERS[language])
    return call


@pytest.mark.parametrize("language", NOS)
def test_the_model_is_told_exactly_what_was_heard(language: str) -> None:
    text = ANSWERS[language]
    for begin, end in list(units(text))[1:-1]:
        call = answering(language)
        call.wait(LETTER_MS * weight(text[:begin]))
        call.starts()
        call.words(NOS[language])
        assert call.all_of(Stop)
        guess = call.bot_said[-1] if len(call.bot_said) > 1 else ""
        assert not guess or len(guess) in [last for _, last in units(text)], "no word is cut by the guess either"
        call.cut(2, end)
        assert call.bot_said[-1] == text[:end]
        call.final(NOS[language])
        call.stops()
        call.ends(NOS[language])
        told = [(m.role, m.text) for m in history.messages(call.state)]
        assert told[-2:] == [("assistant", text[:end]), ("user", NOS[language])]
        assert replayed(call) == call.outputs


@pytest.mark.parametrize("language", ANSWERS)
def test_what_is_guessed_to_be_heard_when_the_leg_is_lost_ends_at_a_word(language: str) -> None:
    text = ANSWERS[language]
    places = []
    for char in range(len(text)):
        call = answering(language)
        call.wait(LETTER_MS * weight(text[:char]))
        call.reaches(2, char)
        call.wait(200)
        call.feed(events.LegLost(at_ms=call.at))
        line = history.line_of(call.state, 2)
        assert line is not None
        assert line.heard in [0, *(end for _, end in units(text))]
        places.append(line.heard)
    assert places == sorted(places)
    assert len(set(places)) > len(list(units(text))) / 2


def backchannel_cases() -> list[tuple[str, str]]:
    return [(language, phrase) for language in NOS for phrase in backchannels_of(language)]


@pytest.mark.parametrize(("language", "phrase"), backchannel_cases(), ids=str)
def test_a_backchannel_does_not_stop_the_bot(language: str, phrase: str) -> None:
    call = answering(language)
    call.wait(600)
    call.starts()
    call.pauses(2, 2)
    call.words(phrase)
    call.wait(300)
    call.final(f"{phrase}。")
    call.stops()
    call.wait(400)
    assert not of(Think, call.ends(phrase))
    assert not call.all_of(Stop)
    assert call.all_of(Resume)
    assert [effect.outcome for effect in call.all_of(BargeIn)] == ["backchannel"]
    assert call.turns == [QUESTIONS[language]]


@pytest.mark.parametrize("language", ["zh", "ja", "th"])
def test_a_backchannel_that_comes_sign_by_sign_does_not_stop_it_either(language: str) -> None:
    for phrase in backchannels_of(language):
        if spaceless(phrase[0]):
            call = answering(language)
            call.starts()
            for length in range(1, len(phrase) + 1):
                call.words(phrase[:length])
            assert not call.all_of(Stop), phrase


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", "嗯嗯嗯"),
        ("zh", "嗯，好的，好的。"),
        ("zh", "对对对 是的"),
        ("ja", "はいはい、そうですね。"),
        ("ja", "ああはいわかりました"),
        ("ja", "うん うん OK"),
        ("th", "ครับ ใช่ครับ"),
        ("th", "อืมใช่ค่ะ"),
        ("hi", "हाँ जी, ठीक है।"),
        ("ar", "نَعَم، طيّب"),
        ("ko", "네, 알겠습니다."),
    ],
)
def test_several_backchannels_are_none(language: str, said: str) -> None:
    call = answering(language).state
    assert real_words(call, said) == 0
    assert is_nothing(replace(call, hearing=replace(call.hearing, over=1)), said)


@pytest.mark.parametrize(
    ("language", "said", "words"),
    [
        ("zh", "嗯，等一下", 2),
        ("zh", "好的但是我的订单呢", 5),
        ("zh", "对不起", 1),
        ("ja", "はい、でもいつですか", 4),
        ("th", "ครับ แต่ว่าวันไหน", 2),
        ("hi", "हाँ लेकिन कब", 2),
        ("ar", "نعم لكن متى", 2),
        ("ko", "네 그런데 언제요", 2),
    ],
)
def test_words_beside_a_backchannel_count(language: str, said: str, words: int) -> None:
    call = answering(language)
    assert real_words(call.state, said) >= min(words, 2)
    call.starts()
    call.words(said)
    assert call.all_of(Stop)


@pytest.mark.parametrize("language", WAITS)
def test_two_words_interrupt_where_two_are_asked_for(language: str) -> None:
    first = next(iter(units(WAITS[language])))
    one = WAITS[language][: first[1]]
    call = answering(language, interrupt_words=2, interrupt_ms=0)
    call.wait(600)
    call.starts()
    call.words(one)
    call.wait(200)
    assert not call.all_of(Stop), "one word is not enough"
    call.words(WAITS[language])
    assert call.all_of(Stop)


def test_a_phrase_that_may_become_a_backchannel_is_waited_for() -> None:
    call = answering("ja").state
    assert begun_backchannel(call, "わか") == "わか"
    assert begun_backchannel(call, "はい、そうで") == "そうで"
    assert begun_backchannel(call, "はい") == ""
    assert sure_words(call, "わかりま") == 0
    assert sure_words(call, "わかりません") > 0
    call = answering("hi").state
    assert begun_backchannel(call, "समझ") == "समझ"
    assert sure_words(call, "समझ") == 0
    assert sure_words(call, "समझ नहीं आया") > 0


def echoing(language: str, delay_ms: int, recogniser_ms: int = 100) -> Script:
    """The bot's voice comes back by the microphone, and is recognised: sign by sign where words have no spaces."""
    text = ANSWERS[language]
    call = answering(language)
    begun = call.at
    ends = [begun + LETTER_MS * weight(text[: n + 1]) + delay_ms for n in range(len(text))]
    first = next(n for n, char in enumerate(text) if has_words(char))
    call.at = ends[first]
    call.starts()
    for now in range(ends[first] + 200, ends[-1] + 400, 200):
        call.at = now
        signs = sum(end <= now - recogniser_ms for end in ends)
        heard = text[: signs if spaceless(text[first]) else whole_until(text, signs)]
        if has_words(heard):
            leg = call.at - 900_000
            begin, end = begun + delay_ms - 900_000, max(e for e in ends if e <= now - recogniser_ms) - 900_000
            call.feed(events.Interim(at_ms=call.at, text=heard, start_ms=begin, end_ms=end, leg_ms=leg))
    call.feed(
        events.Final(
            at_ms=call.at, text=text, start_ms=begun + delay_ms - 900_000, end_ms=ends[-1] - 900_000, leg_ms=leg
        )
    )
    call.stops()
    return call


@pytest.mark.parametrize("language", ANSWERS)
@pytest.mark.parametrize("delay_ms", [50, 200, 350])
def test_an_echo_is_known_as_one_at_every_moment(language: str, delay_ms: int) -> None:
    call = echoing(language, delay_ms)
    assert not call.all_of(Stop)
    assert not of(Think, call.ends(ANSWERS[language]))
    assert call.turns == [QUESTIONS[language]]


MISHEARD = {
    "zh": "您的订单已经花货了预计星期五送到",
    "ja": "ご注文の自転車は火曜日に発送されました",
    "th": "คำสั่งซื้อของคุณถูกสั่งแล้วเมื่อวันจันทร์ครับ",
    "hi": "आपका ऑर्डर सोमवार के भेज दिया गया है",
    "ar": "تم شحن طلبك اليوم الاثنين وسيصل إليك",
}


@pytest.mark.parametrize("language", MISHEARD)
def test_an_echo_may_be_misheard(language: str) -> None:
    call = answering(language)
    begun = call.at
    call.at += 200
    call.starts()
    length = LETTER_MS * weight(MISHEARD[language])
    call.at = begun + 250 + length
    call.words(MISHEARD[language], since=length + 50)
    assert not call.all_of(Stop)


@pytest.mark.parametrize("language", WAITS)
def test_own_words_behind_an_echo_are_the_turn(language: str) -> None:
    text = ANSWERS[language]
    echo = text[: list(units(text))[3][1]]
    call = answering(language)
    begun = call.at
    call.at += 200
    call.starts()
    length = LETTER_MS * weight(echo)
    call.at = begun + 250 + length
    call.words(echo, since=length + 50)
    assert not call.all_of(Stop)
    both = joined(echo, WAITS[language])
    call.at += 700
    call.words(both, since=length + 750)
    assert call.all_of(Stop)
    call.cut(2, len(echo))
    call.final(both, since=length + 750)
    call.stops()
    call.ends(both)
    assert call.turns[-1] == WAITS[language]


@pytest.mark.parametrize("language", WAITS)
def test_the_callers_own_words_are_no_echo(language: str) -> None:
    call = answering(language)
    call.at += 800
    call.starts()
    call.at += 500
    call.words(WAITS[language], since=450)
    assert call.all_of(Stop)


@pytest.mark.parametrize(
    ("language", "question", "answer"),
    [
        ("zh", "您要蓝色的吗？", "是的"),
        ("ja", "青いのでよろしいですか？", "はい"),
        ("ar", "هل تريد الأزرق؟", "نعم"),
        ("hi", "क्या आपको नीला चाहिए?", "हाँ"),
    ],
)
def test_a_yes_to_a_question_is_its_answer(language: str, question: str, answer: str) -> None:
    call = Script(replace(POLICY, backchannels=backchannels_of(language)))
    call.says(QUESTIONS[language])
    call.answers(question)
    call.wait(LETTER_MS * (weight(question) - 2))
    call.starts()
    call.words(answer)
    call.final(answer)
    call.stops()
    call.wait(300)
    call.ends(answer)
    assert call.turns[-1] == answer


def test_a_sentence_that_broke_off_is_said_again_from_its_beginning() -> None:
    text = "您好。您的订单已经发货了。预计星期五送到。"
    call = Script()
    call.says("我的订单在哪里")
    call.answers(text)
    call.tells(2, (0, 0), (3, 600), (5, 900), (7, 1_300), (9, 1_700), (13, 2_300))
    call.wait(1_750)
    call.feed(events.LegLost(at_ms=call.at))
    line = history.line_of(call.state, 2)
    assert line is not None
    assert line.heard == 9
    again = events.TakenOver(at_ms=call.at, epoch=(2, 1), new_leg=True, turn=call.state.turn, utterance=2)  # type: ignore[arg-type]
    call.feed(replace(again, epoch=type(call.state.epoch)(2, 1)))
    assert history.messages(call.state)[-1].text == "您的订单已经发货了。预计星期五送到。"


@pytest.mark.parametrize(
    ("finals", "turn"),
    [
        (("我的订单", "在哪里？"), "我的订单在哪里？"),
        (("注文は", "どこですか"), "注文はどこですか"),
        (("ของฉัน", "อยู่ไหน"), "ของฉันอยู่ไหน"),
        (("मेरा ऑर्डर", "कहाँ है"), "मेरा ऑर्डर कहाँ है"),
        (("where is", "my order"), "where is my order"),
    ],
)
def test_the_parts_of_a_turn_are_one_text(finals: tuple[str, ...], turn: str) -> None:
    call = Script()
    call.starts()
    for text in finals:
        call.final(text)
    call.stops()
    call.ends()
    assert call.turns == [turn]


def test_knowledge_is_looked_for_from_the_second_word_on() -> None:
    call = Script(replace(POLICY, retrieve=True))
    call.starts()
    call.words("订单")
    assert not call.all_of(Retrieve)
    call.words("订单状态")
    assert [effect.query for effect in call.all_of(Retrieve)] == ["订单状态"]


def test_a_short_question_leans_on_the_one_before() -> None:
    call = Script()
    call.says("蓝色的自行车现在有货吗")
    call.answers("有。")
    assert history.question_of(call.state, "多少钱") == "蓝色的自行车现在有货吗多少钱"
    assert history.question_of(call.state, "你们店里的蓝色自行车多少钱") == "你们店里的蓝色自行车多少钱"


@settings(deadline=None)
@given(st.text(st.sampled_from("嗯对是的好はいうんそですねわかりましครับค่ะใช่ok uh-huh,。不要เอา待って"), max_size=30))
def test_counts_never_break_and_spaces_never_add_words(said: str) -> None:
    policy = replace(POLICY, backchannels=backchannels_of("zh") + backchannels_of("ja") + backchannels_of("th"))
    call = Script(policy).state
    real, sure = real_words(call, said), sure_words(call, said)
    assert 0 <= sure <= real
    assert real_words(call, f" {said}。") == real
    assert begun_backchannel(call, said) == begun_backchannel(call, f"{said} ")


@pytest.mark.parametrize("char", "a字😀")
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_question_is_never_longer_than_it_may_be(char: str, more: int) -> None:
    short = "多少钱"
    call = Script()
    call.says(char * (history.MAX_QUESTION_CHARS - len(short) - 1 + more))
    call.answers("OK.")
    asked = history.question_of(call.state, short)
    assert asked.endswith(short)
    assert len(asked) <= history.MAX_QUESTION_CHARS == MOST_CHARACTERS
    assert len(asked) >= history.MAX_QUESTION_CHARS - 2
