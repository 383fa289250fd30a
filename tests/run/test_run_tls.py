"""`parley run --tls`: certificates of the run, who has which, and what the doctor says of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.doctor.doctor import certificate
from parley.bus import Bus
from parley.security import certificates as files
from parley.security.certificates import Certificates
from parley.settings import Settings
from runner.authority import Authority
from runner.plan import MCP_FILES, OPERATOR_FILE, SERVICES, WATCHER, WATCHER_FILE, make_plan
from runner.stack import Stack
from testbed.patience import PATIENCE_S
from tests.run.conftest import FAKES


def told(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_each_process_and_each_command_has_a_certificate_of_its_own(tmp_path: Path) -> None:
    settings = Settings.read(data_dir=tmp_path, gateway_port=0)
    plan = make_plan(settings, tmp_path, 2, authority=Authority(tmp_path / "tls"))
    for process in plan.processes:
        if process.service != "nats":
            assert process.env["PARLEY_TLS_CERT"] == str(tmp_path / "tls" / process.service / "tls.crt")
    for user, file in {"operator": OPERATOR_FILE, WATCHER: WATCHER_FILE, **MCP_FILES}.items():
        env = told(plan.files[file])
        assert env["PARLEY_TLS_KEY"] == str(tmp_path / "tls" / user / "tls.key")
        assert env["PARLEY_NATS_URL"].startswith("tls://127.0.0.1:")
    users = {"nats", "operator", WATCHER, *SERVICES, *MCP_FILES}
    assert {folder.name for folder in (tmp_path / "tls").iterdir()} == users


async def test_without_it_there_is_no_certificate_anywhere(tmp_path: Path) -> None:
    plan = make_plan(Settings.read(data_dir=tmp_path, gateway_port=0), tmp_path, 1)
    assert not any("TLS" in name for process in plan.processes for name in process.env)
    assert "tls" not in "".join(plan.files.values())


async def test_commands_reach_nats_over_tls_before_and_after_a_renewal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOOK_S", 0.0)
    async with Stack(data_dir=tmp_path, modules=FAKES, tls=True) as stack:
        operator = Settings.read(**stack.plan.operator)
        async with Bus(operator, "command") as early:
            assert await early.ready(PATIENCE_S)
            certificates = Certificates.of(operator)
            assert certificates is not None
            before = certificates.now()
            stack.renew_certificates()
            async with Bus(operator, "command") as late:
                assert await late.ready(PATIENCE_S)
            assert certificates.now() is not before
        async with Bus(Settings.read(nats_url=operator.nats_url.replace("tls:", "nats:")), "command") as nobody:
            assert not await nobody.tried(PATIENCE_S)
    left = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert left == ["lock", "logs"], "no key is left"


def test_the_doctor_says_how_long_a_certificate_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path / "tls")
    settings = Settings.read(**authority.issue("stt", life_s=36_000).env)
    found = certificate(settings)
    assert found.state == "ok"
    assert found.detail.startswith("stt, for 10.0 hours more, until 20")
    assert "; its authority for 3649 days more" in found.detail

    late = certificate(Settings.read(**authority.issue("llm", life_s=60).env))
    assert late.state == "note"
    assert "Less than a third of its life is left" in late.detail

    gone = certificate(Settings.read(**authority.issue("tts", life_s=-1).env))
    assert (gone.state, "certificate has expired" in gone.detail) == ("missing", True)

    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path))
    assert certificate(Settings.read()).detail == "PARLEY_TLS_CA is not set: services talk to each other in the clear"
    (tmp_path / "run").mkdir()
    env = authority.issue("operator").env
    (tmp_path / "run" / OPERATOR_FILE).write_text("".join(f"{name}={value}\n" for name, value in env.items()))
    assert certificate(Settings.read()).detail.startswith("operator, for 2")
