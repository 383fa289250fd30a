"""A base image and stand-ins for others' images, made here: for machines that reach no registry of images.

The base is Debian 12 with its own Python 3.11, made by debootstrap, in place of Docker's `python:3.11-slim-bookworm`.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from runner.plan import nats_server
from testbed.containers.engine import Engine

BASE = "localhost/stand-in-base:12"
STAND_INS = {"NATS_IMAGE": "localhost/stand-in-nats:2.15.1", "POSTGRES_IMAGE": "localhost/stand-in-postgres:15.0"}
"""By the variable of docker-compose.yml."""
_PACKAGES = "ca-certificates,python3,python3-pip,python3-venv,wget"
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"

_NATS = f"FROM {BASE}\nCOPY nats-server /usr/local/bin/nats-server\n"
_POSTGRES = f"""FROM {BASE}
RUN apt-get update -q && apt-get install -q -y --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/*
COPY postgres_entry.sh /postgres_entry.sh
ENTRYPOINT ["sh", "/postgres_entry.sh"]
"""


def make(engine: Engine, kept: Path) -> None:
    """All of them. The base's files are kept in `kept` for the next time: a minute. Raises CalledProcessError."""
    if engine.status("image", "inspect", BASE):
        engine("import", str(_files(kept)), BASE)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(nats_server(), Path(folder, "nats-server"))
        shutil.copy(Path(__file__).with_name("postgres_entry.sh"), folder)
        for image, text in zip(STAND_INS.values(), (_NATS, _POSTGRES), strict=True):
            if engine.status("image", "inspect", image):
                Path(folder, "Dockerfile").write_text(text)
                engine("build", "--network", "host", "--tag", image, folder)


def _files(kept: Path) -> Path:
    """The base as a tar archive."""
    archive = kept / "base.tar"
    if archive.exists():
        return archive
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as folder:
        root = Path(folder, "root")
        subprocess.run(
            ("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(root)), check=True
        )
        # What the official image has: pip installs into it, and `python` is a command.
        (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        if Path("/", _BUNDLE).exists():
            shutil.copy(Path("/", _BUNDLE), root / _BUNDLE)  # of a company whose proxy looks into what is downloaded
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        made = archive.with_suffix(".new")
        subprocess.run(("tar", "-C", str(root), "-cf", str(made), "."), check=True)
        made.replace(archive)
    return archive
