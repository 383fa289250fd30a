"""How a file is cut: headings, paragraphs, sentences, words; nothing is lost."""

from __future__ import annotations

from services.rag.passages import Passage, split


def words(text: str) -> int:
    return len(text.split())


def test_headings_are_kept_apart_from_what_is_said() -> None:
    text = "Before all.\n\n# Shop\nWe sell ferns.\n\n## Care\nWater them.\n\n# Team\nWe are two."
    assert split(text, words).passages == (
        Passage("", "Before all."),
        Passage("Shop", "We sell ferns."),
        Passage("Shop > Care", "Water them."),
        Passage("Team", "We are two."),
    )


def test_paragraphs_share_a_passage_while_they_fit() -> None:
    passages = split("One two.\n\nThree four.\n\nFive six.", words, most=4).passages
    assert [passage.text for passage in passages] == ["One two.\n\nThree four.", "Five six."]


def test_a_long_paragraph_is_cut_between_sentences_and_a_long_sentence_between_words() -> None:
    passages = split("A b. C d? E f g h i j k.", words, most=4).passages
    assert [passage.text for passage in passages] == ["A b. C d?", "E f g h", "i j k."]


def test_nothing_is_dropped() -> None:
    text = "\n".join(f"Line {n} of a long list without an end or a full stop" for n in range(200))
    joined = " ".join(passage.text for passage in split(text, words, most=30).passages)
    assert joined.split() == text.split()
    assert all(words(passage.text) <= 30 for passage in split(text, words, most=30).passages)


def test_fields_at_the_top_are_for_filters() -> None:
    document = split('---\ntopic: "refunds"\nNot a field\n---\nText.', words)
    assert document.meta == {"topic": "refunds"}
    assert document.passages == (Passage("", "Text."),)


def test_a_rule_that_is_no_end_of_fields_stays_text() -> None:
    assert split("---\nText.", words).passages == (Passage("", "---\nText."),)
    assert split("", words).passages == ()
