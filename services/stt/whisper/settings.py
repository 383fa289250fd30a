"""The recogniser's row of the settings."""

from pydantic import Field

from parley.settings import EngineSettings


class WhisperSettings(EngineSettings):
    model: str = Field(
        "",
        alias="PARLEY_WHISPER_MODEL",
        description=(
            "Folder of a Whisper model for CTranslate2 (model.bin, config.json, tokenizer.json, vocabulary), for the "
            "engine `whisper`; multilingual ones follow the call's language; empty: tiny.en, which comes with Parley"
        ),
    )
