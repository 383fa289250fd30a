"""docker-compose.yml against the code: settings, ports, users of NATS, secrets; nobody has another's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from parley.engines import engines_of, named
from parley.secret_files import SUFFIX, secret_names
from parley.settings import Settings, Stage
from runner.container_keys import kept, make
from runner.nats_users import PERMISSIONS, users_config
from runner.plan import nats_server
from testbed.containers.file import TWICE, on_the_host
from tests.deploy.dockerfile import ROOT, chain, read

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
RUN: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/__init__.py"))
CALLED = [name for name in SERVICES if name != "backoffice"]
"""Those that others of the house call."""
COMMANDS = {
    "parley": "operator",
    "office": "operator",
    "mcp": "mcp",
    "mcp-actions": "mcp-actions",
    "watcher": "watcher",
}
"""By container: its user of NATS."""
OURS = [*SERVICES, *COMMANDS]
THIRD = sorted(set(RUN) - set(OURS) - {"keys"})
_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


def plain(value: object) -> str:
    """With the defaults of what may be set."""
    return _DEFAULT.sub(r"\1", str(value))


def mounts(name: str) -> dict[str, str]:
    """Where -> what, of a container's volumes."""
    parts = [plain(volume).split(":") for volume in RUN[name].get("volumes", ())]
    return {part[1]: part[0] for part in parts}


def test_everything_is_there_without_a_profile() -> None:
    at_once = {name for name, service in RUN.items() if "profiles" not in service}
    assert at_once == {*SERVICES, "keys", "nats", "postgres", "qdrant"}
    assert {tuple(RUN[name]["profiles"]) for name in set(RUN) - at_once} == {
        ("commands",),
        ("monitoring",),
        ("production",),
    }


@pytest.mark.parametrize("name", OURS)
def test_what_is_set_is_a_setting_and_may_be_set_so(name: str) -> None:
    rows = [named(row.settings) for stage in get_args(Stage) for row in engines_of(stage).values() if row.settings]
    known = {field.alias for each in (Settings, *rows) for field in each.model_fields.values()}
    secret = {variable for each in (Settings, *rows) for variable in secret_names(each)}
    given = {variable: plain(value) for variable, value in RUN[name]["environment"].items()}
    for variable in given:
        assert variable in known or variable.removesuffix(SUFFIX) in secret, variable
        assert variable not in secret, f"{variable} would stand in the environment"
    Settings.read(**{variable: value for variable, value in given.items() if variable in known})


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_built_from_its_target_and_may_do_little(name: str) -> None:
    service = RUN[name]
    assert service["build"] == {"context": ".", "target": name}
    assert plain(service["image"]) == f"parley-{name}:dev"
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "mem_limit" in service
    assert "user" not in service  # the image's own
    assert mounts(name)["/data"] == f"{name}-data"


def test_the_addresses_are_those_at_which_the_services_listen() -> None:
    stages, _ = read()
    names = {"telephony": "gateway"}
    house = {variable: value for variable, value in RUN["gateway"]["environment"].items() if "_ADDRESS" in variable}
    assert {names.get(name, name) for name in map(_service_of, house)} == set(CALLED)
    for variable, value in house.items():
        service, _, port = value.partition(":")
        assert service == names.get(_service_of(variable), _service_of(variable))
        (listens,) = (
            stage.env()["PARLEY_LISTEN"]
            for stage in chain(stages, service)
            if stage.all("EXPOSE")[-1:] and "PARLEY_LISTEN" in stage.env()
        )
        assert listens == f"0.0.0.0:{port}"
    for name, port in (("gateway", 8080), ("backoffice", 8090)):
        (published,) = RUN[name]["ports"]
        assert plain(published) == f"127.0.0.1:{port}:{stages[name].env()[f'PARLEY_{name.upper()}_PORT']}"
    assert [name for name in OURS if "ports" in RUN[name]] == ["backoffice", "gateway"]


def _service_of(variable: str) -> str:
    return variable.removeprefix("PARLEY_").removesuffix("_ADDRESS").lower()


def test_each_container_has_its_own_keys_and_nobody_elses(tmp_path: Path) -> None:
    made = mounts("keys")
    for path in made:
        if path.startswith("/keys/"):
            (tmp_path / path.removeprefix("/keys/")).mkdir()
    make(tmp_path)
    assert {f"/keys/{folder.name}" for folder in tmp_path.iterdir()} == {path for path in made if path != "/data"}
    for name in set(RUN) - {"keys"}:
        its = mounts(name)
        keys = [volume for volume in its.values() if volume.endswith("-keys")]
        assert len(keys) <= 1, name
        for variable, value in (RUN[name].get("environment") or {}).items():
            if str(value).startswith("/run/keys/"):
                assert variable.endswith("_FILE")
                folder = tmp_path / next(path for path, volume in made.items() if volume == its["/run/keys"])[6:]
                assert (folder / value.removeprefix("/run/keys/")).read_text()
    holders = [volume for name in set(RUN) - {"keys"} for volume in mounts(name).values() if volume.endswith("-keys")]
    assert sorted(holders) == sorted(set(holders)) == sorted(volume for path, volume in made.items() if path != "/data")
    users = {name: RUN[name]["environment"]["PARLEY_NATS_USER"] for name in OURS}
    assert users == {**{name: name for name in SERVICES}, **COMMANDS}
    assert set(users.values()) == set(PERMISSIONS)


def test_nats_lets_in_the_same_users_with_the_same_powers_as_make_run(tmp_path: Path) -> None:
    make(tmp_path)
    config = tmp_path / "nats" / "nats.conf"
    passwords = {name: (tmp_path / name / "nats_password").read_text() for name in PERMISSIONS}
    assert "\n".join(users_config(passwords)) in config.read_text()
    assert RUN["nats"]["command"] == ["-c", "/run/keys/nats.conf"]
    done = subprocess.run([nats_server(), "-t", "-c", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_keys_stay_when_the_containers_start_again_and_a_new_user_gets_one(tmp_path: Path) -> None:
    make(tmp_path)
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "stt" / "nats_password").unlink()
    make(tmp_path)
    after = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    changed = {path.relative_to(tmp_path).as_posix() for path in before if before[path] != after[path]}
    assert changed == {"stt/nats_password", "nats/nats.conf"}
    password = (tmp_path / "postgres" / "password").read_text()
    assert (tmp_path / "tools" / "database_url").read_text() == f"postgresql://parley:{password}@postgres:5432/parley"
    assert kept(tmp_path / "postgres" / "password") == password


def test_secrets_of_the_user_come_as_files_and_are_empty_at_first() -> None:
    for name, service in RUN.items():
        given = set(service.get("secrets", ()))
        read_from = {
            str(value) for value in (service.get("environment") or {}).values() if "/run/secrets/" in str(value)
        }
        assert given <= set(COMPOSE["secrets"])
        if name != "door":
            assert {f"/run/secrets/{secret}" for secret in given} == read_from
    for secret in COMPOSE["secrets"].values():
        file = ROOT / plain(secret["file"])
        assert file.is_file()
        assert file.read_bytes() == b""


def test_what_is_waited_for_has_a_health_check() -> None:
    stages, _ = read()
    for name, service in RUN.items():
        for other, how in (service.get("depends_on") or {}).items():
            if how["condition"] == "service_healthy":
                ours = other in SERVICES and any(stage.all("HEALTHCHECK") for stage in chain(stages, other))
                assert ours or RUN[other]["healthcheck"]["test"][0] == "CMD", f"{name} waits for {other}"
            else:
                assert other == "keys"


@pytest.mark.parametrize("name", THIRD)
def test_images_of_others_are_pinned_and_bounded(name: str) -> None:
    _, _, tag = plain(RUN[name]["image"]).rpartition(":")
    assert re.match(r"v?\d+\.\d+", tag)
    assert "mem_limit" in RUN[name]
    for port in RUN[name].get("ports", ()):
        assert name == "door" or plain(port).startswith("127.0.0.1:")


def test_every_volume_is_named_once_and_every_file_is_there() -> None:
    used = {volume for name in RUN for volume in mounts(name).values()}
    assert {volume for volume in used if not volume.startswith(".")} == set(COMPOSE["volumes"])
    for path in (volume for volume in used if volume.startswith(".")):
        assert (ROOT / path).exists(), path


def test_the_door_takes_to_the_gateway_what_the_gateway_opens() -> None:
    text = (ROOT / "deploy" / "nginx" / "nginx.conf").read_text()
    for line in (
        "zone=webhooks:10m rate=30r/s;",
        "zone=new_sockets:10m rate=10r/s;",
        "limit_req zone=webhooks burst=20 nodelay;",
        "limit_conn open_sockets 100;",
        "proxy_read_timeout 1h;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
    ):
        assert line in text
    upstream = (ROOT / "deploy" / "nginx" / "upstream.conf").read_text()
    assert "server gateway:8080 resolve" in upstream
    sockets = re.search(r"location ~ (\S*twilio-stream\S*) \{", text)
    assert sockets is not None
    for path in ("/twilio-stream", "/twilio-stream/", "/ws/voice", "/ws/chat"):
        assert re.match(sockets[1], path)
    assert "location = /twilio-webhook" in text


def test_on_the_hosts_network_the_house_is_the_same_but_for_addresses() -> None:
    """What `make containers` runs where containers have no network of their own."""
    images = {"NATS_IMAGE": "stand-in:1", "POSTGRES_IMAGE": "stand-in:2"}
    made = on_the_host(COMPOSE, images, 18080)["services"]
    doubled = {f"{name}-2" for name in TWICE}
    assert set(made) == {*SERVICES, *doubled, *COMMANDS, "keys", "nats", "postgres"}
    listening = set()
    for name in (*CALLED, *doubled):
        as_it_stands = RUN[name.removesuffix("-2")]
        for key in ("read_only", "cap_drop", "security_opt", "mem_limit", "pids_limit", "tmpfs", "secrets"):
            assert made[name].get(key) == as_it_stands.get(key)
        listening.add(made[name]["environment"]["PARLEY_LISTEN"].replace("127.0.0.1", name))
        assert "ports" not in made[name]
    assert made["backoffice"]["environment"]["PARLEY_BACKOFFICE_PORT"] == "18081"
    addresses = made["gateway"]["environment"]
    known = {part for variable, value in addresses.items() if "_ADDRESS" in variable for part in value.split(",")}
    assert known == listening
    assert made["nats"]["image"] == "stand-in:1"
    assert "${" not in str(made)
