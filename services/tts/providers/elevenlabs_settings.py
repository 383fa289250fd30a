"""ElevenLabs's rows of the settings."""

from pydantic import Field, SecretStr

from parley.settings import LIVE, VendorSettings


class ElevenLabsSettings(VendorSettings):
    api_key: SecretStr = Field(
        SecretStr(""), alias="ELEVENLABS_API_KEY", json_schema_extra=LIVE, description="ElevenLabs key"
    )
    base_url: str = Field(
        "https://api.elevenlabs.io",
        alias="ELEVENLABS_BASE_URL",
        description="ElevenLabs or a stand-in; http(s) or ws(s)",
    )
    model: str = Field(
        "eleven_flash_v2_5", alias="PARLEY_ELEVENLABS_MODEL", json_schema_extra=LIVE, description="ElevenLabs model"
    )
    voice: str = Field(
        "21m00Tcm4TlvDq8ikWAM",
        alias="PARLEY_ELEVENLABS_VOICE",
        json_schema_extra=LIVE,
        description="Voice id, unless the agent names one",
    )
