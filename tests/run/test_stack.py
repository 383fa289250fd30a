"""The process runner: what dies comes back, what stops stays gone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from parley.bus import Bus, make_events_stream
from parley.errors import Misconfigured, Unavailable
from parley.settings import Settings
from runner.plan import BACKOFFICE, ORGANS
from runner.stack import Died, Event, Stack, Started
from testbed.patience import PATIENCE_S
from tests.run.conftest import FAKES, alive, gone


async def test_all_processes_start_and_all_stop(tmp_path: Path) -> None:
    async with Stack(data_dir=tmp_path, modules=FAKES) as stack:
        pids = stack.all_pids()
        assert set(pids) == {"nats", "gateway", "supervisord", *ORGANS}
        assert all(alive(pid) for pid in pids.values())
        ports = [int(process.env["PARLEY_LISTEN"].rpartition(":")[2]) for process in stack.plan.processes[1:-1]]
        ports.append(int(stack.gateway_url.rpartition(":")[2]))
        started = time.monotonic()
    assert time.monotonic() - started < 3
    assert not any(alive(pid) for pid in pids.values())
    for port in ports:
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
    left = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert left == ["lock", "logs"], "nothing with a password is left"


async def test_a_killed_service_is_back_within_a_second(tmp_path: Path) -> None:
    events: list[Event] = []
    async with Stack(data_dir=tmp_path, modules=FAKES, replicas=2, on_event=events.append) as stack:
        first, second = stack.pids("stt")
        await asyncio.sleep(1.2)  # lived long enough not to be taken for one that cannot start
        killed = time.monotonic()
        os.kill(first, signal.SIGKILL)
        again = await stack.restarted("stt-1", first)
        assert time.monotonic() - killed < 1
        assert stack.pids("stt") == [again, second]
        assert Died("stt-1", first, "terminated by SIGKILL") in events
        assert events[-1] == Started("stt-1", again)


async def test_two_of_each_but_of_those_with_one_store(tmp_path: Path) -> None:
    async with Stack(data_dir=tmp_path, modules=FAKES, replicas=2) as stack:
        counts = {service: len(stack.pids(service)) for service in (*ORGANS, "gateway", "nats")}
        one = dict.fromkeys(("tools", "rag", "nats"), 1)
        assert counts == one | dict.fromkeys(("stt", "tts", "orchestrator", "llm", "gateway"), 2)
        assert [remark.partition(":")[0] for remark in stack.plan.remarks] == ["one tools", "one rag"]
        assert len(set(stack.gateway_urls)) == 2
        assert len(stack.plan.env["PARLEY_STT_ADDRESS"].split(",")) == 2


async def test_backoffice_is_started_where_asked_for_and_calls_need_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Stack(data_dir=tmp_path, modules=FAKES, replicas=2, backoffice=True) as stack:
        assert stack.plan.names(BACKOFFICE) == ["backoffice"]
        assert stack.metrics_urls()["backoffice"] == f"{stack.backoffice_url}/metrics"
        linked = {process.service for process in stack.plan.processes if "PARLEY_CONSOLE_URL" in process.env}
        assert linked == {"gateway"}, "whose page links to the console"
        assert "one backoffice: its database is SQLite" in stack.plan.remarks[-1]
    monkeypatch.setattr("runner.supervisor_config._RETRIES", 0)
    events: list[Event] = []
    env = {"FAKE_FAILS": "backoffice:crashes"}
    async with Stack(data_dir=tmp_path, modules=FAKES, backoffice=True, env=env, on_event=events.append) as stack:
        assert Died("backoffice", 0, "dies each time it is started: RuntimeError: the disk is made of cheese") in events
        assert stack.pids("gateway")


async def test_three_nats_nodes_of_which_one_is_killed_and_comes_back(tmp_path: Path) -> None:
    async with Stack(data_dir=tmp_path, modules=FAKES, env={"PARLEY_NATS_NODES": "3"}) as stack:
        assert stack.plan.env["PARLEY_NATS_REPLICAS"] == "3"
        assert len(set(stack.plan.env["PARLEY_NATS_URL"].split(","))) == 3
        assert stack.plan.names("nats") == ["nats-1", "nats-2", "nats-3"]
        user = dict(next(process.env for process in stack.plan.processes if process.service == "orchestrator"))
        settings = Settings.read(
            nats_url=stack.plan.env["PARLEY_NATS_URL"],
            nats_user=user["PARLEY_NATS_USER"],
            nats_password=user["PARLEY_NATS_PASSWORD"],
        )
        made = asyncio.Event()

        async def make(bus: Bus) -> None:
            await make_events_stream(bus, 3)
            made.set()

        bus = Bus(settings, "test")
        bus.on_connect(make)
        async with bus, asyncio.timeout(PATIENCE_S):
            await made.wait()
            pid = stack.pids("nats")[0]
            os.kill(pid, signal.SIGKILL)
            bus.record("CA1", "CA1/1.1/1", b"record")
            assert await bus.flushed(20)
            await stack.restarted("nats-1", pid)


async def test_two_nats_nodes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="PARLEY_NATS_NODES: 2; 1, 3 or 5"):
        await Stack(data_dir=tmp_path, modules=FAKES, env={"PARLEY_NATS_NODES": "2"}).__aenter__()


async def test_each_service_has_its_own_user_and_knows_the_others(tmp_path: Path) -> None:
    async with Stack(data_dir=tmp_path, modules=FAKES) as stack:
        config = (tmp_path / "run" / "nats.conf").stat()
        assert config.st_mode & 0o777 == 0o600
        plan = stack.plan
    for process in plan.processes[1:-1]:
        (seen,) = (tmp_path / "seen").glob(f"{process.service}-*")
        told = dict(line.split("=", 1) for line in seen.read_text().splitlines())
        assert told["PARLEY_NATS_USER"] == process.service
        assert told["PARLEY_SECRET"] == plan.env["PARLEY_SECRET"]
        assert told["PARLEY_RAG_ADDRESS"] == plan.env["PARLEY_RAG_ADDRESS"]
    assert len({process.env["PARLEY_NATS_PASSWORD"] for process in plan.processes[1:]}) == 7


async def test_a_wrong_setting_stops_the_run_with_the_services_own_words(tmp_path: Path) -> None:
    stack = Stack(data_dir=tmp_path, modules=FAKES, env={"FAKE_FAILS": "tts:misconfigured"})
    with pytest.raises(Misconfigured, match="parley tts: PARLEY_TTS: there is no engine 'nonsense'"):
        await stack.__aenter__()
    await gone(stack.all_pids().values(), 0.1)


async def test_a_service_that_always_dies_does_not_go_on_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.supervisor_config._RETRIES", 1)
    stack = Stack(data_dir=tmp_path, modules=FAKES, env={"FAKE_FAILS": "llm:crashes"})
    with pytest.raises(Unavailable, match="llm dies each time it is started: RuntimeError: the disk is made of cheese"):
        await stack.__aenter__()


async def test_a_gateway_that_is_never_ready_is_said_so(tmp_path: Path) -> None:
    stack = Stack(data_dir=tmp_path, modules={**FAKES, "gateway": "http.server"}, ready_s=1.0)
    with pytest.raises(Unavailable, match="not ready within 1 s: no answer from"):
        await stack.__aenter__()


async def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with Stack(data_dir=tmp_path, modules=FAKES):
        with pytest.raises(Misconfigured, match=rf"another `parley run` \(process {os.getpid()}\) uses {tmp_path}"):
            await Stack(data_dir=tmp_path, modules=FAKES).__aenter__()


async def test_a_killed_process_runner_takes_the_services_with_it(tmp_path: Path) -> None:
    async with Stack(data_dir=tmp_path, modules=FAKES) as stack:
        pids = stack.all_pids()
        os.kill(pids["supervisord"], signal.SIGKILL)
        assert "the process runner, supervisord, ended with status -9" in str(await stack.failed())
        await gone(pids.values(), 1)
