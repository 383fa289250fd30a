"""The users of NATS in the cluster are those of `make run`: made from the same table."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path

import pytest

from cli.generated import nats_users
from runner.authority import Authority
from runner.cluster_secrets import complete, main, read
from runner.nats_users import PERMISSIONS, variable
from runner.plan import SERVICES, nats_server
from services.backoffice.sealing import KEY_BYTES
from tests.deploy.manifests import BASE, COMPONENTS, OVERLAYS, literals, service

NATS = BASE / "nats"


def test_the_file_is_what_the_table_says() -> None:
    assert nats_users.main(["--check", str(NATS / "users.conf")]) == 0


def test_a_file_that_is_older_than_the_table_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "users.conf"
    old.write_text(nats_users.text().replace("call.*.cancel", "call.>"))
    assert nats_users.main(["--check", str(old)]) == 1
    assert "python -m cli.generated.nats_users" in capsys.readouterr().err


def test_a_service_has_the_password_that_the_servers_know() -> None:
    servers = literals(OVERLAYS / "dev", "secretGenerator", "nats-secrets")
    assert servers.keys() == complete({})["nats"].keys()
    assert set(re.findall(r"\$(NATS_\w+)", (NATS / "users.conf").read_text())) == servers.keys() - {"NATS_ROUTE"}
    for name in SERVICES:
        assert service(name).env()["PARLEY_NATS_USER"] == name
        mine = literals(OVERLAYS / "dev", "secretGenerator", f"{name}-secrets")["PARLEY_NATS_PASSWORD"]
        assert mine == servers[variable(name)]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("nodes", [1, 3])
def test_nats_server_takes_the_files(tmp_path: Path, nodes: int, tls: bool) -> None:
    for path in NATS.glob("*.conf"):
        (tmp_path / path.name).write_text(path.read_text())
    if nodes == 1:
        (tmp_path / "cluster.conf").write_text((OVERLAYS / "dev" / "one-node.conf").read_text())
    if tls:
        where = Authority(tmp_path / "tls").issue("nats").key.parent  # it has the files that cert-manager makes
        text = (COMPONENTS / "tls" / "nats-tls.conf").read_text()
        (tmp_path / "tls.conf").write_text(text.replace("/run/tls", str(where)))
    secrets = complete({})["nats"]
    env = {**os.environ, **secrets, "POD_NAME": "nats-0"}
    env |= {f"NATS_NODE_{n}": f"nats-route://route:{secrets['NATS_ROUTE']}@nats-{n}.nats:6222" for n in range(3)}
    command = [nats_server(), "-t", "-c", str(tmp_path / "nats.conf")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    del env["NATS_GATEWAY"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert "NATS_GATEWAY" in done.stderr, "a user without a password is none"


def test_secrets_are_made_once_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "secrets")]) == 0
    assert "tools.env: PARLEY_DATABASE_URL is empty" in capsys.readouterr().out
    first = read(tmp_path / "secrets")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}
    (tmp_path / "secrets" / "tools.env").write_text("PARLEY_DATABASE_URL=postgresql://u:p=w@host/db\nMINE=1\n")
    assert main([str(tmp_path / "secrets")]) == 0
    second = read(tmp_path / "secrets")
    assert second["nats"] == first["nats"]
    assert second["gateway"] == first["gateway"]
    assert second["tools"].pop("PARLEY_VAULT_KEY"), "made anew where it is missing"
    assert second["tools"] == {
        "PARLEY_NATS_PASSWORD": first["nats"]["NATS_TOOLS"],
        "PARLEY_DATABASE_URL": "postgresql://u:p=w@host/db",
        "MINE": "1",
    }
    assert len(base64.b64decode(first["backoffice"].pop("PARLEY_BACKOFFICE_KEY"))) == KEY_BYTES
    passwords = [value for its in first.values() for value in its.values() if value]
    assert all(re.fullmatch(r"p[0-9a-f]{40}", password) for password in passwords)
    assert len(set(first["nats"].values())) == len(PERMISSIONS) + 1
