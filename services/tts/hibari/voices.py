"""Which file a voice is, and whether it is what it says. Nothing is ever downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from hibari.voices import DEFAULT, VOICES, voice_path

from parley.errors import Misconfigured

PINNED = {"heart": "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"}
"""sha256 of what comes with the package; of the others the package knows the sum."""
_BRITISH_FILE = "b"  # as Kokoro names its voices: af_, am_, bf_, bm_


@dataclass(frozen=True, slots=True)
class VoiceFile:
    name: str
    path: Path
    british: bool
    sha256: str
    """What it must be; "" when nobody knows."""

    def check(self) -> None:
        """Raises Misconfigured for a file that is damaged, or another than its name says."""
        if self.sha256 and sha256(self.path.read_bytes()).hexdigest() != self.sha256:
            raise Misconfigured(f"voice: {self.path} is not {self.name!r} (its sha256 is another): install it anew")


def find(name: str) -> VoiceFile:
    """A voice by its name, or by the path of an ONNX file of the same kind; "" is the one in the package.

    Raises Misconfigured with the remedy.
    """
    name = name or DEFAULT
    if name.endswith(".onnx"):
        return _by_path(Path(name).expanduser())
    known = VOICES.get(name)
    if known is None:
        names = ", ".join(VOICES)
        raise Misconfigured(f"voice: hibari has no voice {name!r}; there are {names}, or the path of an .onnx file")
    try:
        path = Path(voice_path(name, download_missing=False))
    except FileNotFoundError as e:
        raise Misconfigured(
            f"voice: {name!r} does not come with the package; put {known['file']} at {e.args[0]}, "
            "or its path into PARLEY_HIBARI_VOICE"
        ) from e
    return VoiceFile(name, path, known["british"], PINNED.get(name, known["sha256"]))


def _by_path(path: Path) -> VoiceFile:
    if not path.is_file():
        raise Misconfigured(f"PARLEY_HIBARI_VOICE: there is no file {path}")
    for name, known in VOICES.items():
        if known["file"] == path.name:
            return VoiceFile(name, path, known["british"], known["sha256"])
    return VoiceFile(path.stem, path, path.name.startswith(_BRITISH_FILE), "")
