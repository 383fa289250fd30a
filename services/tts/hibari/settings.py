"""The voice's row of the settings."""

from pydantic import Field

from parley.settings import EngineSettings


class HibariSettings(EngineSettings):
    voice: str = Field(
        "",
        alias="PARLEY_HIBARI_VOICE",
        description=(
            "Voice of the engine `hibari`: a name, or the path of an ONNX file of its kind; nothing is downloaded. "
            "Empty: the one in its package"
        ),
    )
