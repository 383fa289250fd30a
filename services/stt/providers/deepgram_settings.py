"""Deepgram's rows of the settings, of both its engines."""

from pydantic import Field, SecretStr

from parley.settings import LIVE, VendorSettings


class DeepgramSettings(VendorSettings):
    api_key: SecretStr = Field(
        SecretStr(""), alias="DEEPGRAM_API_KEY", json_schema_extra=LIVE, description="Deepgram key"
    )
    base_url: str = Field(
        "https://api.deepgram.com",
        alias="DEEPGRAM_BASE_URL",
        description="Deepgram or a stand-in; http(s) or ws(s), with or without a path",
    )
    model: str = Field(
        "nova-3",
        alias="PARLEY_DEEPGRAM_MODEL",
        json_schema_extra=LIVE,
        description="Deepgram model of the engine `deepgram` (live, v1)",
    )
