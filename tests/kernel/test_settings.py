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


def test_a_secret_may_stand_in_a_file_and_the_variable_counts_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, empty = tmp_path / "key", tmp_path / "empty"
    file.write_text("from a file\n")
    empty.touch()
    monkeypatch.setenv("PARLEY_NATS_PASSWORD_FILE", str(file))
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(file))
    settings = Settings.read()
    assert settings.nats_password.get_secret_value() == "from a file"
    assert settings.engines("llm") == ["openai"]
    assert Settings.read(DEEPGRAM_API_KEY_FILE=str(file)).own(DeepgramSettings).api_key.get_secret_value() == (
        "from a file"
    )
    assert Settings.read(nats_password="given").nats_password.get_secret_value() == "given"
    monkeypatch.setenv("PARLEY_NATS_PASSWORD", "set")
    assert Settings.read().nats_password.get_secret_value() == "set"
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(empty))
    assert Settings.read().engines("llm") == ["local"]


def test_only_secrets_stand_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "agent").write_text("somebody")
    monkeypatch.setenv("PARLEY_AGENT_FILE", str(tmp_path / "agent"))
    assert Settings.read().agent == "frontdesk"


@pytest.mark.parametrize(
    ("content", "wrong"), [(None, "No such file"), (b"\xff\xfe", "not UTF-8"), (b"x" * 20_000, "more than 16384 bytes")]
)
def test_a_file_that_cannot_be_read_is_named_and_its_content_is_not(
    content: bytes | None, wrong: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match=f"PARLEY_SECRET_FILE.*{wrong}") as failure:
        Settings.read(PARLEY_SECRET_FILE=str(file))
    assert "xxx" not in str(failure.value)


def test_the_embedding_model_may_have_a_place_of_its_own() -> None:
    assert Settings.read(data_dir="d").embedding_dir == Path("d")
    assert Settings.read(data_dir="d", models_dir="m").embedding_dir == Path("m")
    assert Settings.read(data_dir="d", PARLEY_MODELS_DIR="").embedding_dir == Path("d")
