"""Live settings: what they may be, how they are kept and undone, and that the environment counts more."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.configuration.applying import configured, locked
from parley.configuration.history import Configuration, Revision, undone_by
from parley.configuration.sealing import Seals, is_sealed, shown
from parley.configuration.table import checked, live_settings, of_stage
from parley.errors import BadInput, Misconfigured, NotFound
from parley.settings import Settings

KEY, OTHER = "k" * 32, "o" * 40
SEALS = Seals(KEY)
SECRET = "sk-proj-0123456789abcdef3f2a"


def test_what_is_live_is_marked_in_the_table_of_settings() -> None:
    assert {"PARLEY_TTS", "PARLEY_LOG_LEVEL", "OPENAI_API_KEY", "PARLEY_ELEVENLABS_VOICE"} <= live_settings().keys()
    assert "PARLEY_NATS_URL" not in live_settings()
    assert not [name for name in live_settings() if "BASE_URL" in name], "a key must not go where the console says"
    assert {"PARLEY_STT", "PARLEY_PROFILE", "DEEPGRAM_API_KEY"} <= of_stage("stt")


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("PARLEY_TTS", "eleven", "there is no engine 'eleven'; known are elevenlabs"),
        ("PARLEY_TTS", "local,local", "stands there twice"),
        ("PARLEY_LLM_STALL_S", "0", "greater than 0"),
        ("PARLEY_LLM_STALL_S", "soon", "valid number"),
        ("PARLEY_LLM_STALL_S", "inf", "no number that a clock knows"),
        ("PARLEY_LLM_STALL_S", "nan", "PARLEY_LLM_STALL_S"),
        ("PARLEY_TTS_STALL_S", "5", "less than 4"),
        ("PARLEY_CAPACITY", "0", "greater than or equal to 1"),
        ("PARLEY_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("PARLEY_AGENT", "", "`unset` brings back its default, frontdesk"),
        ("PARLEY_AGENT", "a\nb", "on one line"),
        ("PARLEY_AGENT", "x" * 501, "at most 500"),
        ("OPENAI_API_KEY", "two words", "without spaces"),
        ("OPENAI_API_KEY", " ", "`unset` takes it away"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_and_what_helps(variable: str, text: str, says: str) -> None:
    with pytest.raises(BadInput, match=variable) as refused:
        checked(variable, text)
    assert says in str(refused.value)


def test_what_is_not_live_cannot_be_set() -> None:
    for variable in ("PARLEY_NATS_URL", "OPENAI_BASE_URL", "PATH", ""):
        with pytest.raises(NotFound, match="no live setting"):
            Configuration().set({variable: "x"}, SEALS, "ada", 1.0)
        with pytest.raises(NotFound):
            Configuration().set({variable: None}, SEALS, "ada", 1.0)


def test_a_change_says_who_when_and_what_and_is_all_or_nothing() -> None:
    changes = {"PARLEY_TTS": " ElevenLabs , local", "PARLEY_CAPACITY": "50"}
    first = Configuration().set(changes, SEALS, "ada", 7.0, "why")
    assert first.values == {"PARLEY_TTS": "elevenlabs,local", "PARLEY_CAPACITY": "50"}
    assert (first.who, first.at, first.note, first.changed) == ("ada", 7.0, "why", ("PARLEY_CAPACITY", "PARLEY_TTS"))
    with pytest.raises(BadInput):
        first.set({"PARLEY_CAPACITY": "60", "PARLEY_TTS": "nobody"}, SEALS, "ada", 8.0)
    with pytest.raises(BadInput, match="nothing would change"):
        first.set({"PARLEY_CAPACITY": "50", "PARLEY_AGENT": None}, SEALS, "ada", 8.0)
    assert first.set({"PARLEY_CAPACITY": None}, SEALS, "bo", 8.0).values == {"PARLEY_TTS": "elevenlabs,local"}


def test_undo_puts_back_what_one_change_changed_and_nothing_else() -> None:
    one = Configuration().set({"PARLEY_CAPACITY": "50"}, SEALS, "ada", 1.0)
    two = one.set({"PARLEY_CAPACITY": "60", "PARLEY_TTS": "local"}, SEALS, "ada", 2.0)
    three = two.set({"PARLEY_AGENT": "bank"}, SEALS, "ada", 3.0)
    history = [Revision(3, three), Revision(2, two), Revision(1, one)]
    found = three.put_back(*undone_by(history, 2), "bo", 4.0)
    assert found.values == {"PARLEY_CAPACITY": "50", "PARLEY_AGENT": "bank"}
    assert (found.who, found.undoes, found.changed) == ("bo", 2, ("PARLEY_CAPACITY", "PARLEY_TTS"))
    assert three.put_back(*undone_by(history), "bo", 4.0).values == two.values
    assert three.put_back(*undone_by(history, 1), "bo", 4.0).values == {"PARLEY_TTS": "local", "PARLEY_AGENT": "bank"}
    with pytest.raises(BadInput, match="as it was before"):
        found.put_back(*undone_by(history, 2), "bo", 5.0)
    with pytest.raises(NotFound, match="no change 9"):
        undone_by(history, 9)
    with pytest.raises(NotFound, match="not kept any more"):
        undone_by(history[:2], 2)
    with pytest.raises(NotFound, match="nothing was ever changed"):
        undone_by([])


def test_a_secret_is_stored_sealed_and_shown_in_part() -> None:
    stored = Configuration().set({"OPENAI_API_KEY": SECRET}, SEALS, "ada", 1.0)
    sealed = stored.values["OPENAI_API_KEY"]
    assert is_sealed(sealed)
    assert SECRET not in stored.model_dump_json()
    assert shown(sealed) == shown(SECRET) == "sk-…3f2a"
    assert Seals(f"{OTHER},{KEY}").open("OPENAI_API_KEY", sealed) == SECRET, "during a rotation both open"
    with pytest.raises(Misconfigured, match="not sealed with the PARLEY_CONFIG_KEY"):
        Seals(OTHER).open("OPENAI_API_KEY", sealed)
    with pytest.raises(Misconfigured, match="set it anew"):
        SEALS.open("DEEPGRAM_API_KEY", sealed)
    with pytest.raises(Misconfigured, match="is not set here"):
        Seals().open("OPENAI_API_KEY", sealed)
    with pytest.raises(Misconfigured, match="cannot be kept"):
        Configuration().set({"OPENAI_API_KEY": SECRET}, Seals(), "ada", 1.0)
    with pytest.raises(Misconfigured, match="at least 32"):
        Seals("short")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200))
def test_what_is_shown_of_a_secret_gives_little_away(secret: str) -> None:
    assert Seals(KEY).open("X", Seals(KEY).seal("X", secret)) == secret
    assert len(shown(secret)) <= 10
    if len(secret) < 16:
        assert secret not in shown(secret)


@given(st.text(max_size=80))
def test_what_was_never_sealed_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(Misconfigured):
        SEALS.open("OPENAI_API_KEY", f"sealed:{text}")


def test_the_environment_counts_more_and_a_default_counts_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_CAPACITY", "7")
    monkeypatch.setenv("DEEPGRAM_API_KEY", "from-the-environment")
    monkeypatch.setenv("PARLEY_STT", "")
    own = Settings.read(tts="local", nats_url="nats://here")
    assert locked(own) == {"PARLEY_CAPACITY", "DEEPGRAM_API_KEY", "PARLEY_TTS"}
    live = {"PARLEY_CAPACITY": "9", "PARLEY_TTS": "elevenlabs", "PARLEY_STT": "flux", "DEEPGRAM_API_KEY": "live"}
    now = configured(own, {**live, "PARLEY_DEEPGRAM_MODEL": "nova-9", "OPENAI_API_KEY": SECRET})
    assert (now.capacity, now.engines("tts"), now.engines("stt")) == (7, ["local"], ["flux"])
    assert now.nats_url == "nats://here"
    deepgram = now.vendor("deepgram", "stt")
    assert deepgram is not None
    assert deepgram.api_key.get_secret_value() == "from-the-environment"
    assert live_settings()["PARLEY_DEEPGRAM_MODEL"].of(now) == "nova-9"
    assert now.engines("llm") == ["openai"], "the vendor whose key is set"
    assert configured(now, {}).engines("stt") == ["flux"]


def test_a_secret_in_a_file_is_the_environment_s_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "key").write_text("\n")
    assert not locked(Settings.read()), "an empty file says nothing"
    (tmp_path / "key").write_text("sk-1\n")
    assert locked(Settings.read()) == {"OPENAI_API_KEY"}
