"""Does with the environment what the official PostgreSQL image does: makes the user and the database, then serves.

Runs inside the stand-in image, with Debian's PostgreSQL and without Parley.
"""

import glob
import os
import shutil
import subprocess
from pathlib import Path

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
DATA = "/var/lib/postgresql/data"


def main() -> None:
    user, database = os.environ["POSTGRES_USER"], os.environ["POSTGRES_DB"]
    os.makedirs(DATA, exist_ok=True)
    os.makedirs("/var/run/postgresql", exist_ok=True)
    for folder in (DATA, "/var/run/postgresql"):
        shutil.chown(folder, "postgres", "postgres")
    os.chmod(DATA, 0o700)
    if not Path(DATA, "PG_VERSION").exists():
        password = Path("/tmp/password")
        password.write_text(Path(os.environ["POSTGRES_PASSWORD_FILE"]).read_text())
        shutil.chown(password, "postgres", "postgres")
        _run("initdb", "-D", DATA, "-U", user, f"--pwfile={password}", "-A", "scram-sha-256", "--auth-local=trust")
        password.unlink()
        with Path(DATA, "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        _run("pg_ctl", "-D", DATA, "-w", "-o", "-c listen_addresses=''", "start")
        _run("createdb", "-h", "/var/run/postgresql", "-U", user, database)
        _run("pg_ctl", "-D", DATA, "-w", "stop")
    command = [f"{BIN}/postgres", "-D", DATA, "-c", f"listen_addresses={os.environ.get('LISTEN', '*')}"]
    os.execvp("setpriv", ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command])


def _run(name: str, *arguments: str) -> None:
    subprocess.run([f"{BIN}/{name}", *arguments], user="postgres", group="postgres", extra_groups=[], check=True)


if __name__ == "__main__":
    main()
