"""Where an answer is cut for the voice, token by token, and what is said when the model falls silent."""

from __future__ import annotations

import pytest

from services.orchestrator.phrases.speakable import GRACE_S, LOOK_AHEAD_MS, NUMBER_GRACE_S, Phraser
from tests.orchestrator.answers import phrases, tokens


@pytest.mark.parametrize(
    "cut",
    [
        "Yes. |We are open until six.",
        "Yes, we do rent bikes, |and helmets come with them. |Anything else?",
        "A basic tune up that a mechanic does while you |have a coffee next door costs sixty dollars. |Anything else?",
        'He said "wait here." |Then nothing came; it was late: very late. |Is that (really!) |so? |I think it is.',
        "Your total is $1,299.50, |and it is due on March 3. |You can pay at 9.30 a.m. or later.",
        "Dr. J. R. Smith is in at 9 a.m. |He takes walk-ins until 5 p.m. on Fri. 14 March, etc. |Come by!",
        "We moved to 12 St. James St. in 2020, |approx. 5 min. from the U.S. embassy.",
        "It is No. 5, |vs. No. 6 in the U.K. last year, i.e. better by 0.5 percent. |Good!",
        "Hmm... |Let me see… |I have found it! |It is in transit.",
        "How old is the shop? |25. We opened in 1999.",
        "**Please note that all sales are final, |and that no refunds are given.** |Sorry!",
        "გამარჯობა. |თქვენი შეკვეთა გაგზავნილია.",
        "Do we ship to Canada? |No. |We ship to the U.S. only.",
        "I am 25. |And you are 30. |Is that right?",
        "Here you go:\n|- Red: $5\n|- Blue: $6\n|Which one?",
        "So here is what I have found in our records for |you: the parcel left our warehouse on Monday, and it passed "
        "customs, |as it seems. |It comes today.",
        "Ihr Termin ist am 3. Mai um 9.30 Uhr. |Kommen Sie in den 2. Stock, d. h. nach oben. |Bis dann!",
        "Su pedido n.º 4821 llega el jueves, |Sra. García. |¿Algo más?",
        "Ваш заказ отправлен, |т. е. он в пути. |Стоимость 250 руб. |Что-нибудь ещё?",
    ],
)
def test_english_and_its_neighbours_are_cut_where_it_sounds_right(cut: str) -> None:
    text = cut.replace("|", "")
    wanted = [" ".join(phrase.replace("**", "").split()) for phrase in cut.split("|")]
    heard = [phrase.strip() for phrase in phrases(tokens(text)) if phrase.strip()]
    assert [phrase.removesuffix(".") for phrase in heard] == [
        phrase.removeprefix("- ").removesuffix(".") for phrase in wanted
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("您好。", "您的订单"),
        ("您好！", "您的"),
        ("您好吗？", "我"),
        ("共25。", "谢谢"),
        ("ありがとうございます。", "ご注文"),
        ("नमस्ते।", " आपका"),
        ("আচ্ছা।", " আপনার"),
        ("السلام علیکم۔", " آپ"),
        ("هل أنت هنا؟", " نعم"),
        ("ሰላም።", " እንዴት"),
        ("မင်္ဂလာပါ။", "သင့်"),
        ("ជំរាបសួរ។", "ការ"),
        ("བཀྲ་ཤིས།", " ཁྱེད"),
        ("Բարև։", " Ձեր"),
    ],
)
def test_a_mark_that_ends_a_sentence_anywhere_lets_it_go_at_once(first: str, second: str) -> None:
    phraser = Phraser()
    assert not any(phraser.push(char) for char in first[:-1])
    assert phraser.push(first[-1]) == [first]
    assert phraser.push(second) == []
    assert phraser.end().strip() == second.strip()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Hello.", " We"),
        ("Hello!", " We"),
        ("안녕하세요.", " 주문"),
        ("வணக்கம்.", " உங்கள்"),
        ("مرحبًا.", " تم"),
        ("שלום!", " ההזמנה"),
        ("Γεια σας.", " Η"),
        ("Здравствуйте.", " Ваш"),
        ("สวัสดีค่ะคุณลูกค้า", " คำสั่ง"),
        ("您好!", "您"),
        ("Well…", " I"),
    ],
)
def test_a_mark_that_may_stand_inside_of_a_word_waits_for_the_next_token(first: str, second: str) -> None:
    phraser = Phraser()
    assert phraser.push(first) == []
    assert [phrase.strip() for phrase in phraser.push(second)] == [first]


@pytest.mark.parametrize(
    "text",
    [
        "At 9.30 we open",
        "am 3. Mai",
        "价格是３．５元",
        "上午9：30开门",
        "１２，０００元吧好吗",
        "e.g. this one",
        "See example.com/a.html now",
        "Dr. J. Who",
    ],
)
def test_a_mark_inside_of_a_number_or_a_name_ends_nothing(text: str) -> None:
    phraser = Phraser()
    assert [phrase for char in text for phrase in phraser.push(char)] == []
    assert phraser.end() == text


@pytest.mark.parametrize(
    ("text", "grace_s", "said"),
    [
        ("Your order has shipped.", GRACE_S, "Your order has shipped."),
        ("Let me check that for you.", GRACE_S, "Let me check that for you."),
        ("One moment…", GRACE_S, "One moment…"),
        ("**One moment, please.**", GRACE_S, "One moment, please."),
        ("*Sure!*", GRACE_S, "Sure!"),
        ('It said "wait here."', GRACE_S, 'It said "wait here."'),
        ("Let me see,", GRACE_S, None),
        ("Well, let me see,", GRACE_S, "Well, let me see,"),
        ("Here is what I found:", GRACE_S, "Here is what I found:"),
        ("The total is 12.", NUMBER_GRACE_S, "The total is 12."),
        ("You are on plan B.", GRACE_S, "You are on plan B."),
        ("We are at 12 Main St.", GRACE_S, "We are at 12 Main St."),
        ("We open at 9 a.m.", GRACE_S, "We open at 9 a.m."),
        ("Pay at https://example.com/pay.", GRACE_S, "Pay at example.com/pay."),
        ("See [our page](https://example.com/a).", GRACE_S, "See our page."),
        ("It ships today.【4:0†source】", GRACE_S, "It ships today."),
        ("1. Unplug the router.", GRACE_S, "1. Unplug the router."),
        ("12 or 4821.", NUMBER_GRACE_S, "12 or 4821."),
        ("4821.", NUMBER_GRACE_S, "4821."),
        ("- Unplug the router\n", GRACE_S, "Unplug the router. "),
        ("안녕하세요.", GRACE_S, "안녕하세요."),
        ("รอสักครู่นะคะ", GRACE_S, "รอสักครู่นะคะ"),
        ("Ваш заказ отправлен.", GRACE_S, "Ваш заказ отправлен."),
        ("Your order has", 0, None),
        ("Ask for Dr.", 0, None),
        ("Ihr Termin ist am 3.", 0, None),
        ("Try e.g.", 0, None),
        ("See [our page](https://example.com/a.", 0, None),
        ("...", 0, None),
        ("", 0, None),
        ("รอสักครู่", 0, None),
        ("价格是", 0, None),
    ],
)
def test_a_model_that_falls_silent_behind_what_could_end(text: str, grace_s: float, said: str | None) -> None:
    phraser = Phraser()
    assert [phrase for token in tokens(text) for phrase in phraser.push(token)] == []
    if said is None:
        grace_s = 0
    assert phraser.grace_s == grace_s
    assert phraser.pause() == ([said] if said else [])
    assert GRACE_S <= NUMBER_GRACE_S <= 0.12


def test_after_a_pause_the_answer_goes_on_as_if_there_was_none() -> None:
    phraser = Phraser()
    assert phraser.push("**One moment.") == []
    assert phraser.pause() == ["One moment."]
    assert phraser.pause() == []
    assert phraser.push("** I have 12.") == [" I have 12."] or phraser.pause() == [" I have 12."]
    assert phraser.push("5 of them. ") == ["5 of them. "]
    assert phraser.end() == ""


def test_open_markup_holds_words_back_only_so_long() -> None:
    phraser, said = Phraser(), ""
    for n, word in enumerate(["See ", "*the ", "long ", "and ", "winding ", "page ", "that "]):
        said += "".join(phraser.push(word, at_ms=1000 + n * (LOOK_AHEAD_MS // 4)))
    assert said + phraser._text == "See the long and winding page that "


def test_numbers_of_a_list_wait_only_so_long() -> None:
    chunks = tokens("1. Open the app.\n2. Tap it.\n3. Wait.")
    assert phrases(chunks, token_ms=1)[0] == "Open the app. "
    assert "".join(phrases(chunks, token_ms=200)).startswith("1. Open the app. ")


def test_a_number_that_may_count_an_item_is_not_said_alone() -> None:
    phraser = Phraser()
    said = phraser.push("1. Open.\n2. Close.\n3.")
    assert "".join([*said, *phraser.pause()]) == "Open. Close. "
    assert phraser.push(" Wait. ") + [phraser.end()] == ["Wait. ", ""]


def test_a_picture_or_marks_alone_are_no_first_phrase() -> None:
    phraser = Phraser()
    assert phraser.push("🎉 ") == []
    assert phraser.push("... ") == []
    assert phraser.push("Great! ") == ["... Great! "]
