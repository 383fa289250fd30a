"""Rows of the settings of OpenAI and all that speaks like it."""

from pydantic import Field, SecretStr

from parley.settings import LIVE, VendorSettings


class OpenAISettings(VendorSettings):
    api_key: SecretStr = Field(
        SecretStr(""),
        alias="OPENAI_API_KEY",
        json_schema_extra=LIVE,
        description="Key of OpenAI or a compatible server",
    )
    base_url: str = Field(
        "https://api.openai.com/v1",
        alias="OPENAI_BASE_URL",
        description="OpenAI, Ollama, vLLM, llama.cpp or a stand-in; with or without `/v1`",
    )
    model: str = Field(
        "gpt-4.1-mini", alias="PARLEY_OPENAI_MODEL", json_schema_extra=LIVE, description="Model name at that server"
    )
