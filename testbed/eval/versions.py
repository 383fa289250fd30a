"""Where an agent's files are found for a version of it: the one place to teach another kind of version."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from parley.errors import NotFound, Unavailable
from parley.published.bundle import is_published

GIT_S = 60.0


@contextmanager
def source_of(agent_folder: Path, version: str, published: Callable[[], Path | None]) -> Iterator[Path]:
    """The folder of the agent as it was: `version` is a folder with an agent.yaml, a published version, or a revision
    of the git repository that the agent lies in (`HEAD~1`, `main`, a tag).

    `published`: gives the folder of the version of this name, None if there is none; raises Unavailable. Raises
    NotFound: none of them; Misconfigured.
    """
    other, away = Path(version), ""
    found = other if (other / "agent.yaml").is_file() else None
    if found is None and is_published(version):
        try:
            found = published()
        except Unavailable as e:
            away = f"; whether it is published is not known: {e}"
    if found is not None:
        yield found
        return
    with TemporaryDirectory(prefix="parley-version-") as folder:
        try:
            packed = subprocess.run(
                ["git", "archive", "--format=tar", "--end-of-options", version, "."],
                cwd=agent_folder.resolve(),
                capture_output=True,
                timeout=GIT_S,
                check=True,
            ).stdout
        except (OSError, subprocess.SubprocessError) as e:
            said = e.stderr.decode(errors="replace").strip() if isinstance(e, subprocess.CalledProcessError) else str(e)
            raise NotFound(
                f"--against {version}: no folder with an agent.yaml, no published version, and no revision of the git "
                f"repository of {agent_folder} that has one "
                f"({said.splitlines()[-1] if said else type(e).__name__}){away}"
            ) from None
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        if not (Path(folder) / "agent.yaml").is_file():
            raise NotFound(f"--against {version}: {agent_folder} has no agent.yaml in that revision")
        yield Path(folder)
