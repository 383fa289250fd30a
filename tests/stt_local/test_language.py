"""The language model and dictionary that are made from an agent's files."""

import math
import shutil
from pathlib import Path

import pytest

from parley.agents.files import load_agent
from parley.errors import BadInput
from services.stt.local import model
from services.stt.local.arpa import arpa, trigrams
from services.stt.local.corpus import Corpus, spoken, topics
from services.stt.local.dictionary import dictionary, pronounce, read_cmudict
from services.stt.local.numbers import cardinal, digit_string, written
from tests.stt_local.conftest import AGENTS


def grams(text: str, order: int) -> dict[tuple[str, ...], tuple[float, float]]:
    section = text.partition(f"\\{order}-grams:\n")[2].partition("\n\n")[0]
    found = {}
    for line in section.splitlines():
        parts = line.split()
        backoff = float(parts[order + 1]) if len(parts) > order + 1 else 0.0
        found[tuple(parts[1 : order + 1])] = (float(parts[0]), backoff)
    return found


def test_after_every_history_the_probabilities_of_all_words_sum_to_one() -> None:
    text = arpa([["where", "is", "my", "cake"], ["where", "is", "it"], ["my", "cake"], ["cake"]])
    one, two = grams(text, 1), grams(text, 2)
    vocabulary = [w for (w,) in one if w != "<s>"]
    assert sum(10 ** one[(w,)][0] for w in vocabulary) == pytest.approx(1, abs=1e-3)
    for history in ("where", "my", "<s>"):
        seen = {w: 10 ** two[history, w][0] for w in vocabulary if (history, w) in two}
        backed_off = sum(10 ** (one[(w,)][0] + one[(history,)][1]) for w in vocabulary if w not in seen)
        assert sum(seen.values()) + backed_off == pytest.approx(1, abs=1e-2), history


def test_seen_trigrams_can_be_read_back() -> None:
    assert trigrams(arpa([["my", "cake"]])) == {("<s>", "my", "cake"), ("my", "cake", "</s>")}


def test_no_sentence_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="none given"):
        arpa([])


def test_the_same_agent_gives_the_same_sentences_and_they_cover_its_files() -> None:
    agent = load_agent(AGENTS, "bakery")
    once, again = (list(Corpus(agent, "we bake rye bread").sentences(5000)) for _ in range(2))
    assert once == again
    words = {word for sentence in once for word in sentence}
    assert {"cheesecake", "carrot", "oh", "double", "monday", "rye", "sourdough", "goodbye", "human", "i'd"} <= words
    assert max(map(len, once)) <= 40


def test_a_phrase_that_cannot_be_parsed_is_named() -> None:
    agent = load_agent(AGENTS, "bakery")
    intent = agent.domain.intents["hours"].model_copy(update={"phrases": ("are you [open",)})
    domain = agent.domain.model_copy(update={"intents": {"hours": intent}})
    with pytest.raises(BadInput, match=r"are you \[open.*column 9"):
        Corpus(agent.model_copy(update={"domain": domain}))


def test_figures_in_files_are_read_out() -> None:
    assert " ".join(spoken("We’re open 7:30-18:00, 24 cakes & 5% off; call 0123!")) == (
        "we're open seven thirty eighteen twenty four cakes and five percent off call zero one two three"
    )
    assert cardinal(1215) == "one thousand two hundred fifteen"


def test_topics_are_runs_of_content_words() -> None:
    assert {"gluten free bread", "free bread", "gluten"} <= set(topics("Gluten free bread is made on Tuesday."))


@pytest.mark.parametrize(
    ("heard", "text"),
    [
        ("where is my order one two three four", "where is my order 1234"),
        ("it is double four oh nine", "it is 4409"),
        ("triple seven", "777"),
        ("twelve thirty four please", "1234 please"),
        ("at nine thirty", "at nine thirty"),
        ("ten thirty am", "ten thirty am"),
        ("a table for two", "a table for two"),
        ("twenty one cookies", "twenty one cookies"),
        ("that one", "that one"),
    ],
)
def test_digits_read_out_become_figures_and_times_do_not(heard: str, text: str) -> None:
    assert written(heard.split()) == text


def test_digit_strings_have_the_length_asked_for() -> None:
    from random import Random

    from parley.text.phrases import words_to_digits

    rng = Random(7)
    assert all(len(words_to_digits(digit_string(rng, 6))) == 6 for _ in range(200))


def test_an_unknown_word_gets_a_sound_and_is_named() -> None:
    known = read_cmudict(model.cmudict())
    text, guessed = dictionary(["cake", "a", "sourdough", "blorpington", "croissants'"], known)
    assert guessed == ["blorpington", "croissants'", "sourdough"] or guessed == ["blorpington", "sourdough"]
    assert "cake K EY K\n" in text
    assert "a(2) EY\n" in text
    assert pronounce("sourdough", known) == ["S AW ER D OW"]
    phones = set(" ".join(pronounce("blorpington", known)).split())
    assert phones <= {p for sounds in known.values() for p in sounds[0].split()}


def test_a_model_is_built_once_and_again_when_the_files_change(tmp_path: Path) -> None:
    shutil.copytree(AGENTS / "bakery", tmp_path / "agents" / "bakery")
    agent = load_agent(tmp_path / "agents", "bakery")
    folder = model.folder_of(tmp_path / "cache", agent, ())
    assert model.load(folder) is None
    built = model.build(folder, agent, tmp_path / "agents" / "bakery")
    assert model.load(folder) == built
    assert built.guessed == ("sourdough",)
    assert model.folder_of(tmp_path / "cache", agent, ("panettone",)) != folder
    changed = agent.model_copy(update={"version": "another"})
    assert model.folder_of(tmp_path / "cache", changed, ()) != folder
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [folder.name]
    unigrams = grams(built.lm.read_text(), 1)
    assert math.isclose(sum(10**p for (w,), (p, _) in unigrams.items() if w != "<s>"), 1, abs_tol=0.01)
