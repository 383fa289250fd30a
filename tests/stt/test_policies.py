"""How long a caller is waited for, by what was said and by how this caller pauses."""

import pytest

from parley.agents.listening import Endpointing as AgentEndpointing
from services.stt.contract import Endpointing, Expect, Pauses
from services.stt.endpointing import POLICIES, Quiet
from services.stt.endpointing.dynamic import dynamic
from services.stt.endpointing.ending import Ending
from services.stt.endpointing.grading import english
from services.stt.endpointing.meaning import meaning
from services.stt.endpointing.policy import FLUSH_BY_MS, FLUSH_FROM_MS

BRISK = Pauses(count=10, mean_ms=250, max_ms=350)
SLOW = Pauses(count=10, mean_ms=900, max_ms=1300)


def wait(text: str, expect: Expect = Expect.FREE, **more: object) -> int:
    wish = Endpointing(expect, policy="meaning", number_lengths=(4,))
    ms = meaning(Quiet(wish, text, **more)).ms  # type: ignore[arg-type]
    assert ms is not None
    return ms


def test_a_brisk_caller_is_waited_for_less_than_a_slow_one() -> None:
    waits = [dynamic(Quiet(Endpointing(), "we are here", pauses)).ms for pauses in (BRISK, Pauses(), SLOW)]
    assert waits == sorted(waits, key=lambda ms: ms or 0)
    assert len(set(waits)) == 3


def test_the_waits_that_were_asked_for_are_kept_to() -> None:
    wish = Endpointing(min_delay_ms=600, max_delay_ms=700)
    for policy in (dynamic, meaning):
        for pauses in (BRISK, SLOW):
            for text in ("goodbye", "my number is", "we are here"):
                assert 600 <= (policy(Quiet(wish, text, pauses)).ms or 0) <= 700


def test_with_a_button_no_silence_ends_the_turn() -> None:
    for name, policy in POLICIES.items():
        assert policy(Quiet(Endpointing(Expect.BUTTON), "goodbye")).ms is None, name


@pytest.mark.parametrize(
    ("text", "expect", "ending"),
    [
        ("okay thank you, bye", Expect.FREE, Ending.DONE),
        ("That's all, thanks.", Expect.FREE, Ending.DONE),
        ("Yes.", Expect.YES_NO, Ending.DONE),
        ("no thank you", Expect.YES_NO, Ending.DONE),
        ("yes that works for me", Expect.YES_NO, Ending.DONE),
        ("yes but", Expect.YES_NO, Ending.OPEN),
        ("yes and I also need", Expect.YES_NO, Ending.OPEN),
        ("1 2 3 4", Expect.DIGITS, Ending.DONE),
        ("it's twelve thirty four", Expect.DIGITS, Ending.DONE),
        ("one two", Expect.DIGITS, Ending.OPEN),
        ("sure, it's", Expect.DIGITS, Ending.OPEN),
        ("my order number is one two", Expect.FREE, Ending.OPEN),
        ("my order number is 1234", Expect.FREE, Ending.DONE),
        ("my phone number is 555 0100", Expect.FREE, Ending.OPEN),
        ("my phone number is 212 555 0100", Expect.FREE, Ending.ASKED),
        ("S M I", Expect.SPELLING, Ending.OPEN),
        ("my name is j o", Expect.FREE, Ending.OPEN),
        ("b as in boy", Expect.FREE, Ending.OPEN),
        ("where is my order", Expect.FREE, Ending.ASKED),
        ("What are your opening hours?", Expect.FREE, Ending.ASKED),
        ("hello can you hear me", Expect.FREE, Ending.ASKED),
        ("what is it for", Expect.FREE, Ending.ASKED),
        ("when can I pick it up", Expect.FREE, Ending.ASKED),
        ("transfer me to the workshop", Expect.FREE, Ending.ASKED),
        ("can I bring it in on Friday", Expect.FREE, Ending.ASKED),
        ("can I return a bike", Expect.FREE, Ending.SAID),
        ("Can I return a bike?", Expect.FREE, Ending.SAID),
        ("The helmets are included?", Expect.FREE, Ending.ASKED),
        ("is it possible to change my order", Expect.FREE, Ending.SAID),
        ("I'd like to speak to somebody", Expect.FREE, Ending.ASKED),
        ("my internet is down", Expect.FREE, Ending.SAID),
        ("could you please", Expect.FREE, Ending.OPEN),
        ("is it okay if I", Expect.FREE, Ending.OPEN),
        ("yes it's", Expect.FREE, Ending.OPEN),
        ("I need it by", Expect.FREE, Ending.OPEN),
        ("can you tell me", Expect.FREE, Ending.OPEN),
        ("can I speak to", Expect.FREE, Ending.OPEN),
        ("how much would that", Expect.FREE, Ending.OPEN),
        ("I would like to", Expect.FREE, Ending.OPEN),
        ("I'm calling because", Expect.FREE, Ending.OPEN),
        ("the chain keeps slipping and", Expect.FREE, Ending.OPEN),
        ("my number is", Expect.FREE, Ending.OPEN),
        ("it's the blue one with the", Expect.FREE, Ending.OPEN),
        ("well um", Expect.FREE, Ending.OPEN),
        ("hold on, let me see", Expect.FREE, Ending.OPEN),
        ("I have a question", Expect.FREE, Ending.MORE),
        ("so I bought a bike last month", Expect.FREE, Ending.MORE),
        ("hello", Expect.FREE, Ending.MORE),
        ("my order hasn't arrived", Expect.FREE, Ending.SAID),
        ("on the third of May", Expect.FREE, Ending.SAID),
        ("yes I think so", Expect.YES_NO, Ending.DONE),
        ("", Expect.FREE, Ending.SAID),
        ("the bill says", Expect.FREE, Ending.OPEN),
        ("are you sure that", Expect.FREE, Ending.OPEN),
        ("I want to know", Expect.FREE, Ending.OPEN),
        ("that's what it says", Expect.FREE, Ending.SAID),
        ("could you book me", Expect.FREE, Ending.OPEN),
        ("I would rather have", Expect.FREE, Ending.OPEN),
        ("if it rains tomorrow", Expect.FREE, Ending.MORE),
        ("when I press the button", Expect.FREE, Ending.MORE),
        ("what happens if I cancel", Expect.FREE, Ending.ASKED),
        ("can I bring my dog in", Expect.FREE, Ending.ASKED),
        ("are dogs allowed in", Expect.FREE, Ending.OPEN),
        ("does it cover the tires as well", Expect.FREE, Ending.ASKED),
        ("around noon I think", Expect.FREE, Ending.ASKED),
        ("six in the evening would be perfect", Expect.FREE, Ending.ASKED),
        ("we will come over on Friday", Expect.FREE, Ending.ASKED),
        ("what is the fee", Expect.FREE, Ending.SAID),
        ("what is the fee for students", Expect.FREE, Ending.ASKED),
        ("is there anybody there", Expect.FREE, Ending.SAID),
        ("just tell me the price", Expect.FREE, Ending.SAID),
    ],
)
def test_what_the_words_say_about_the_end(text: str, expect: Expect, ending: Ending) -> None:
    assert english(text, expect, (4,)) is ending


@pytest.mark.parametrize(
    "text",
    [
        "Thanks,", "thank you", "okay", "right", "no", "yes", "hello", "please", "sure", "great", "okay thanks",
        "oh great", "got it", "sounds good", "that's great", "that's right, thanks", "perfect",
        "of course", "No, no.", "I see.", "good morning", "thanks that's very helpful", "all right", "uh-huh",
        "exactly",
    ],
)  # fmt: skip
def test_what_opens_a_sentence_as_often_as_it_is_one_is_waited_for_longer_than_a_commas_pause(text: str) -> None:
    assert wait(text) >= 700
    assert wait(text, pauses=BRISK) >= 700
    assert meaning(Quiet(Endpointing(policy="meaning"), text, audio_over=0.9)).ms < 700 or wait(text) > 1000  # type: ignore[operator]


@pytest.mark.parametrize("text", ["goodbye", "okay, bye", "that's all, thanks", "thanks for your help", "no thanks"])
def test_what_ends_a_talk_is_not_waited_for(text: str) -> None:
    assert wait(text) <= 320


@pytest.mark.parametrize(
    "text", ["thank you so much", "that helps a lot, thanks", "that would be great", "you're the best"]
)
def test_what_welcomes_the_bots_words_opens_the_next_sentence_too(text: str) -> None:
    assert 700 <= wait(text) < 1000
    assert wait("can you send it to me, thank you") <= 320


def test_an_hour_alone_is_waited_for_as_long_as_its_minutes_take() -> None:
    assert wait("three", Expect.TIME) > 500
    assert wait("three thirty", Expect.TIME) <= 320


def test_please_and_thanks_behind_a_sentence_leave_it_what_it_is() -> None:
    assert wait("can you transfer me please") <= 320
    assert wait("could you please") > 1500
    assert wait("where is my order, thanks") <= 320


ANSWERS = [
    (Expect.CHOICE, "Tuesday.", Ending.ASKED),
    (Expect.CHOICE, "the blue one please", Ending.ASKED),
    (Expect.CHOICE, "um, I'd like the large one", Ending.ASKED),
    (Expect.CHOICE, "in the morning", Ending.ASKED),
    (Expect.CHOICE, "either", Ending.ASKED),
    (Expect.CHOICE, "by card", Ending.ASKED),
    (Expect.CHOICE, "the green", Ending.SAID),
    (Expect.CHOICE, "the", Ending.OPEN),
    (Expect.CHOICE, "well my wife", Ending.MORE),
    (Expect.CHOICE, "tuesday or", Ending.OPEN),
    (Expect.CHOICE, "Yes.", Ending.MORE),
    (Expect.CHOICE, "my visa", Ending.ASKED),
    (Expect.CHOICE, "the sixteenth", Ending.ASKED),
    (Expect.CHOICE, "completely out", Ending.ASKED),
    (Expect.CHOICE, "forty thousand, I'd say", Ending.ASKED),
    (Expect.YES_NO, "my husband is", Ending.ASKED),
    (Expect.YES_NO, "I am.", Ending.DONE),
    (Expect.YES_NO, "yes you are", Ending.DONE),
    (Expect.YES_NO, "yes it was", Ending.DONE),
    (Expect.YES_NO, "yes please do", Ending.DONE),
    (Expect.YES_NO, "I would", Ending.OPEN),
    (Expect.YES_NO, "it is", Ending.OPEN),
    (Expect.YES_NO, "penicillin", Ending.ASKED),
    (Expect.YES_NO, "for tomorrow actually", Ending.ASKED),
    (Expect.YES_NO, "same address", Ending.ASKED),
    (Expect.YES_NO, "the blue", Ending.SAID),
    (Expect.YES_NO, "my", Ending.OPEN),
    (Expect.FREE, "march fourth nineteen eighty one", Ending.ASKED),
    (Expect.FREE, "the second of May 1981", Ending.ASKED),
    (Expect.DAY, "Tuesday.", Ending.ASKED),
    (Expect.DAY, "the third of May", Ending.ASKED),
    (Expect.DAY, "May 3rd", Ending.ASKED),
    (Expect.DAY, "next week", Ending.ASKED),
    (Expect.DAY, "Friday or Monday", Ending.ASKED),
    (Expect.TIME, "in half an hour", Ending.ASKED),
    (Expect.TIME, "by Friday at the latest", Ending.ASKED),
    (Expect.TIME, "any day after four", Ending.ASKED),
    (Expect.AMOUNT, "since sunday night", Ending.ASKED),
    (Expect.AMOUNT, "two big ones", Ending.ASKED),
    (Expect.AMOUNT, "one each", Ending.ASKED),
    (Expect.DAY, "Tuesday would be great", Ending.ASKED),
    (Expect.DAY, "Tuesday at", Ending.OPEN),
    (Expect.DAY, "next", Ending.OPEN),
    (Expect.DAY, "the third of", Ending.OPEN),
    (Expect.DAY, "any day", Ending.ASKED),
    (Expect.TIME, "ten thirty", Ending.ASKED),
    (Expect.TIME, "at 10 a.m.", Ending.ASKED),
    (Expect.TIME, "tomorrow at noon", Ending.ASKED),
    (Expect.TIME, "Tuesday", Ending.SAID),
    (Expect.TIME, "half past", Ending.OPEN),
    (Expect.TIME, "between ten", Ending.OPEN),
    (Expect.TIME, "between ten and twelve", Ending.ASKED),
    (Expect.TIME, "two weeks ago", Ending.ASKED),
    (Expect.NAME, "Peter Miller", Ending.ASKED),
    (Expect.NAME, "my name is Anna Berg", Ending.ASKED),
    (Expect.NAME, "Peter", Ending.SAID),
    (Expect.NAME, "my name is", Ending.OPEN),
    (Expect.AMOUNT, "two", Ending.ASKED),
    (Expect.AMOUNT, "about twenty people", Ending.ASKED),
    (Expect.AMOUNT, "just a couple", Ending.ASKED),
    (Expect.AMOUNT, "two and", Ending.OPEN),
    (Expect.AMOUNT, "I don't know", Ending.SAID),
    (Expect.TIME, "I don't know yet", Ending.SAID),
    (Expect.DAY, "I'm not sure", Ending.SAID),
    (Expect.YES_NO, "I think so", Ending.SAID),
]


@pytest.mark.parametrize(("expect", "text", "ending"), ANSWERS)
def test_a_whole_answer_of_the_kind_that_was_asked_for_ends_the_turn(expect: Expect, text: str, ending: Ending) -> None:
    assert english(text, expect, ()) is ending


@pytest.mark.parametrize("text", ["Dienstag.", "Ja.", "el martes", "ni", "10 Uhr"])
@pytest.mark.parametrize("expect", [Expect.CHOICE, Expect.DAY, Expect.TIME, Expect.NAME, Expect.AMOUNT])
def test_in_other_languages_a_short_answer_is_graded_as_without_a_question(text: str, expect: Expect) -> None:
    free, asked = (meaning(Quiet(Endpointing(e), text, language="de")) for e in (Expect.FREE, expect))
    assert free == asked


@pytest.mark.parametrize("tail", ["and", "but", "um", "or", "because", "let me see", "my", "the", "for"])
@pytest.mark.parametrize(("expect", "text", "ending"), ANSWERS)
def test_no_answer_is_whole_when_its_last_word_asks_for_another(
    expect: Expect, text: str, ending: Ending, tail: str
) -> None:
    assert wait(f"{text.rstrip('.')} {tail}", expect) > 1000


def test_the_clearer_the_end_the_shorter_the_wait() -> None:
    waits = [wait("goodbye"), wait("where is my order"), wait("the blue one"), wait("I have a question"), wait("and")]
    assert waits == sorted(waits)
    assert waits[1] < 350 < waits[2]


def test_a_slow_caller_is_waited_for_longer_in_questions_and_statements_alike() -> None:
    for text in ("where is my order", "the blue one"):
        assert wait(text, pauses=BRISK) < wait(text, pauses=SLOW)


def test_a_lone_yes_is_all_but_of_a_caller_who_pauses_and_a_no_often_has_a_reason() -> None:
    yes, please = wait("yes", Expect.YES_NO), wait("yes please", Expect.YES_NO)
    assert please == yes < 300
    assert {wait(word, Expect.YES_NO) for word in ("no", "okay", "Right.", "please", "great")} == {520}
    assert yes < wait("Yes.", Expect.YES_NO, pauses=SLOW) <= SLOW.mean_ms
    assert please == wait("yes please", Expect.YES_NO, pauses=SLOW)


def test_a_slow_caller_goes_on_behind_a_short_question_rather_than_behind_a_long_one() -> None:
    short, long = "are you open on sunday", "can you tell me whether you are open on sunday"
    assert wait(short, pauses=SLOW) > wait(long, pauses=SLOW)
    assert wait(short) == wait(long)


def test_words_that_are_not_known_yet_are_asked_for_at_once_and_not_judged() -> None:
    wish = Endpointing(policy="meaning")
    known, behind = meaning(Quiet(wish, "my number is")), meaning(Quiet(wish, "my number is", behind=True))
    assert behind.flush_ms == FLUSH_FROM_MS < known.flush_ms == FLUSH_BY_MS
    assert (behind.ms or 0) < (known.ms or 0)
    assert behind.over == 0


def test_other_opinions_move_the_wait_a_step_but_not_what_is_sure() -> None:
    opinions: list[dict[str, float]] = [{"vendor_over": 1}, {"audio_over": 1}]
    for yes in opinions:
        no = dict.fromkeys(yes, 0.1)
        assert wait("the blue one", Expect.FREE, **yes) < wait("the blue one") < wait("the blue one", Expect.FREE, **no)
        assert wait("my number is", Expect.FREE, **yes) == wait("my number is")
        assert wait("goodbye", Expect.FREE, **no) == wait("goodbye")


def test_a_language_without_tables_is_waited_for_by_pauses_and_digits_only() -> None:
    assert wait("ich hätte gern und", language="de") == wait("the blue one")
    assert wait("1 2 3 4", Expect.DIGITS, language="de-DE") == wait("goodbye")
    assert wait("1 2", Expect.DIGITS, language="de") == wait("my number is")
    assert wait("eins zwei", Expect.DIGITS, language="de") == wait("my number is")


@pytest.mark.parametrize("text", ["नमस्ते", "我的订单在哪里", "注文は", "ของฉันอยู่ไหน", "أين طلبي", "где мой заказ", "네"])
def test_words_of_another_script_are_never_read_as_english(text: str) -> None:
    assert wait(text) == wait(text, language="de") == wait("the blue one")
    assert wait(text, Expect.SPELLING) == wait("my number is")


@pytest.mark.parametrize("text", ["订单号是4821。", "注文番号は４８２１", "मेरा नंबर ४८२१।", "رقمي ٤٨٢١"])
def test_digits_are_digits_in_every_script(text: str) -> None:
    assert wait(text, Expect.DIGITS, language="zh") == wait("goodbye")


def test_an_agents_file_knows_the_policies_there_are() -> None:
    schema = AgentEndpointing.model_json_schema()["properties"]["policy"]["enum"]
    assert set(schema) == {"", *POLICIES}
