"""Settings: what the environment says, what engines bring of their own, and what is not read by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.agents.files import load_agent
from parley.engines import engines_of, load, named
from parley.errors import Misconfigured
from parley.settings import Settings
from services.stt.providers.deepgram_settings import DeepgramSettings


@pytest.mark.parametrize("name", ["AGENT", "SECRET", "WORKERS", "LISTEN", "MODEL", "API_KEY", "BASE_URL"])
def test_variables_of_others_are_not_taken_for_ours(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, own = Settings.read(), Settings.read().own(DeepgramSettings)
    monkeypatch.setenv(name, "77")
    assert Settings.read() == plain
    assert Settings.read().own(DeepgramSettings) == own


def test_an_engines_own_settings_come_from_the_same_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_DEEPGRAM_MODEL", "nova-2")
    own = Settings.read(DEEPGRAM_API_KEY="k").own(DeepgramSettings)
    assert (own.api_key.get_secret_value(), own.model) == ("k", "nova-2")
    assert "k" not in repr(own).replace("api_key", "").replace("deepgram", "")


def test_the_vendor_whose_key_is_set_is_chosen_and_another_profile_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read(OPENAI_API_KEY="k").engines("llm") == ["openai"]
    assert Settings.read(OPENAI_API_KEY="k", profile="local").engines("llm") == ["local"]
    assert Settings.read(profile="cloud").engines("llm") == ["openai"]  # it says then that its key is missing
    assert Settings.read(DEEPGRAM_API_KEY="k").engines("stt") == ["deepgram"]
    assert Settings.read(llm=" Local, openai ").engines("llm") == ["local", "openai"]


@pytest.mark.parametrize("stage", ["stt", "llm", "tts"])
def test_every_row_of_a_stage_names_what_is_there(stage: str) -> None:
    for name, row in engines_of(stage).items():
        assert row.lacks() == []
        assert load(stage, name) is named(row.loads)
        assert not row.settings or named(row.settings).model_fields
        assert not row.about or callable(named(row.about))


def test_an_agents_voices_are_of_engines_that_there_are(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    text = "company: Shop\ngreeting: Hello.\npersona: You sell.\nvoice: {nobody: amy, speed: 1.1}\n"
    (folder / "agent.yaml").write_text(text)
    with pytest.raises(Misconfigured, match=r"voice.*nobody: there is no such voice engine; known are"):
        load_agent(tmp_path, "shop")
