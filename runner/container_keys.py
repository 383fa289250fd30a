"""What the containers of docker-compose.yml prove themselves with: made once, before any of them starts.

    python -m runner.container_keys /keys [ADDRESS]   # a folder for each container, which alone has it. NATS listens
                                                # at ADDRESS, by default at all

    /keys/<service>/nats_password               its user of NATS has the name of the service
    /keys/gateway/token_secret                  PARLEY_SECRET
    /keys/backoffice/key                        PARLEY_BACKOFFICE_KEY
    /keys/office/                               copies of the operator's password and backoffice's key, for commands
    /keys/<service>/config_key                  PARLEY_CONFIG_KEY, of who sets secrets live or uses them
    /keys/tools/vault_key                       PARLEY_VAULT_KEY
    /keys/nats/nats.conf                        the users and what each may do, from `runner.nats_users`
    /keys/postgres/password, /keys/tools/database_url
    /keys/grafana/admin_password

A secret that is there stays. Its file may be read by all, since others' containers run as users of their own: the
folder is a volume that no other container has.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from runner.nats_config import server_config
from runner.nats_users import PERMISSIONS

DATABASE_URL = "postgresql://parley:{password}@postgres:5432/parley"
NATS_STORE = Path("/data")
_MODE = 0o444


def make(folder: Path, address: str = "0.0.0.0") -> None:  # noqa: S104
    """Write what is missing, and `nats.conf` anew: another version of Parley may have other permissions."""
    users = {name: kept(folder / name / "nats_password") for name in PERMISSIONS}
    kept(folder / "gateway" / "token_secret")
    key = kept(folder / "backoffice" / "key")
    config_key = kept(folder / "backoffice" / "config_key")
    for name in ("stt", "llm", "tts", "operator", "office"):
        _write(folder / name / "config_key", config_key)
    _write(folder / "office" / "nats_password", users["operator"])
    _write(folder / "office" / "key", key)
    kept(folder / "tools" / "vault_key")
    kept(folder / "grafana" / "admin_password")
    password = kept(folder / "postgres" / "password")
    _write(folder / "tools" / "database_url", DATABASE_URL.format(password=password))
    config = server_config(
        "nats",
        f"{address}:4222",
        NATS_STORE,
        users,
        more=["http: 127.0.0.1:8222"],  # asked by the container's health check
        why="Written by `python -m runner.container_keys` at each start of the containers.",
    )
    _write(folder / "nats" / "nats.conf", config)


def kept(path: Path) -> str:
    """The secret in a file, made if it is not there."""
    try:
        if found := path.read_text():
            return found
    except FileNotFoundError:
        pass
    made = secrets.token_urlsafe(32)
    _write(path, made)
    return made


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}")
    new.unlink(missing_ok=True)
    new.write_text(text)
    new.chmod(_MODE)
    new.replace(path)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m runner.container_keys FOLDER [ADDRESS]")
    make(Path(sys.argv[1]), *sys.argv[2:])
