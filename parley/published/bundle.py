"""A whole agent's folder as one piece: what belongs to it, its content's hash, and the way there and back.

The hash is of names and contents, so that it is the same for the folder, for the tar that carries it and for the folder
that is made of that tar again, whoever made them and when.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from parley.errors import Misconfigured, Unavailable

MAX_BYTES = 8 << 20
"""Of all files together. Knowledge is text; whatever is larger does not belong to an agent's folder."""
MAX_FILES = 2_000
MAX_PATH = 200
ID_CHARS = 12
"""Of the content's hash: the version's name."""
LEFT_OUT = ("conversations", "__pycache__")
_ID = re.compile(rf"[0-9a-f]{{{ID_CHARS}}}")


class Corrupt(Unavailable):
    """What was fetched is not what was published. Another copy may be."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """`data`: a tar without times and owners. `digest`: SHA-256 of the content in hex; `id`: the version's name."""

    data: bytes
    digest: str
    files: int

    @property
    def id(self) -> str:
        return self.digest[:ID_CHARS]


def is_published(version: str) -> bool:
    """Whether a call's version was published; else it is of the folder that is edited, or empty."""
    return _ID.fullmatch(version) is not None


def packed(files: Mapping[str, bytes]) -> Bundle:
    """What `contents` gave, as one piece."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o444
            tar.addfile(member, io.BytesIO(files[name]))
    return Bundle(out.getvalue(), digest_of(files), len(files))


def contents(folder: Path) -> dict[str, bytes]:
    """The agent's folder, path inside it -> content, without what no call needs (LEFT_OUT, hidden files).

    Raises Misconfigured naming the file: a link, too many, too large, unreadable.
    """
    found: dict[str, bytes] = {}
    left = MAX_BYTES
    for path in sorted(_paths(folder)):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            raise Misconfigured(f"{path}: is no plain file; a version holds files only, put the file itself there")
        if len(found) >= MAX_FILES:
            raise Misconfigured(f"{folder}: more than {MAX_FILES:,} files; a version may have that many")
        if len(name) > MAX_PATH or not name.isprintable():
            raise Misconfigured(f"{path}: at most {MAX_PATH} printable characters in a file's path; rename it")
        try:
            found[name] = path.read_bytes()
        except OSError as e:
            raise Misconfigured(f"{path}: cannot be read: {e.strerror}") from e
        if (left := left - len(found[name])) < 0:
            raise Misconfigured(
                f"{folder}: more than {MAX_BYTES:,} bytes together, with {name}; a version may have that many"
            )
    return found


def _paths(folder: Path) -> list[Path]:
    paths = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if parts[0] in LEFT_OUT or "__pycache__" in parts or any(part.startswith(".") for part in parts):
            continue
        if path.is_symlink() or not path.is_dir():
            paths.append(path)
    return paths


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 in hex of names and contents, whatever their order."""
    whole = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            whole.update(len(part).to_bytes(8))
            whole.update(part)
    return whole.hexdigest()


def knowledge_of(files: Mapping[str, bytes], language: str) -> str:
    """What the knowledge counts for: versions with the same share one index."""
    known = {name: data for name, data in files.items() if name.startswith("knowledge/")}
    return digest_of({**known, "": language.encode()})[:ID_CHARS]


def opened(data: bytes, digest: str) -> dict[str, bytes]:
    """The files of a bundle. Raises Corrupt: no tar, unsafe names, or another content than `digest` says."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            files = _members(tar)
    except (tarfile.TarError, EOFError, OSError, ValueError) as e:
        raise Corrupt(f"the bundle is no tar ({type(e).__name__})") from e
    if digest_of(files) != digest:
        raise Corrupt("the bundle's content is not what was published")
    return files


def _members(tar: tarfile.TarFile) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    left = MAX_BYTES
    for member in tar:
        path = PurePosixPath(member.name)
        if not member.isfile() or path.is_absolute() or ".." in path.parts or len(files) >= MAX_FILES:
            raise Corrupt(f"the bundle holds what no version may: {member.name[:MAX_PATH]!r}")
        if (left := left - member.size) < 0:
            raise Corrupt("the bundle is larger than a version may be")
        source = tar.extractfile(member)
        files[member.name] = source.read() if source is not None else b""
    return files
