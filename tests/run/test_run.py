"""`parley run` as somebody at a terminal sees it: a process of its own, its words, its exit status."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from testbed.patience import PATIENCE_S
from tests.run.conftest import FAKES, clean_environment, gone

_SCRIPT = f"import sys; from cli.run import start; sys.exit(start(int(sys.argv[1]), {FAKES!r}))"


@asynccontextmanager
async def parley_run(data_dir: Path, replicas: int = 1, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SCRIPT, str(replicas),
        env={
            **clean_environment(),
            "PARLEY_DATA_DIR": str(data_dir),
            "PARLEY_GATEWAY_PORT": "0",
            "PARLEY_BACKOFFICE_PORT": "0",
            **env,
        },
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def read_until(process: asyncio.subprocess.Process, text: str) -> str:
    assert process.stdout is not None
    heard = ""
    async with asyncio.timeout(PATIENCE_S):
        while text not in heard:
            line = await process.stdout.readline()
            assert line, f"it ended without saying {text!r}: {heard}"
            heard += line.decode()
    return heard


async def words_of(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(PATIENCE_S):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


def family(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


async def test_it_says_where_the_page_is_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    async with parley_run(tmp_path, replicas=2) as process:
        said = await read_until(process, "Ctrl-C stops everything.")
        assert re.search(r"page    http://127\.0\.0\.1:\d+/", said)
        assert 'parley call --say "where is my order one two three four"' in said
        assert "ears    whisper, local (DEEPGRAM_API_KEY is not set)" in said
        assert "one rag: its index is embedded; PARLEY_QDRANT_URL makes room for more" in said
        assert re.search(r"kill -9 \d+", said)
        pids = family(process.pid)
        assert len(pids) == 15
        if (warning := "warning: fake is here n=1") not in said:  # before or after what it says at the start
            await read_until(process, warning)
        process.send_signal(signal.SIGINT)
        status, rest = await words_of(process)
        assert (status, "Stopping." in rest) == (0, True)
        await gone(pids, 0.1)


async def test_a_killed_runner_leaves_nothing_behind(tmp_path: Path) -> None:
    async with parley_run(tmp_path) as process:
        await read_until(process, "Ctrl-C stops everything.")
        pids = family(process.pid)
        process.kill()
        await process.wait()
        await gone(pids, 8)
        assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["lock", "logs"]


async def test_the_next_run_waits_for_a_killed_one_to_be_gone(tmp_path: Path) -> None:
    async with parley_run(tmp_path) as process:
        await read_until(process, "Ctrl-C stops everything.")
        pids = family(process.pid)
        process.kill()
        await process.wait()
        async with parley_run(tmp_path) as again:
            await read_until(again, "Ctrl-C stops everything.")
            await gone(pids, 0.1)
            again.terminate()
            assert (await words_of(again))[0] == 0


async def test_it_tells_of_a_killed_service(tmp_path: Path) -> None:
    async with parley_run(tmp_path) as process:
        said = await read_until(process, "Ctrl-C stops everything.")
        victim = int(re.search(r"kill -9 (\d+)", said)[1])  # type: ignore[index]
        psutil.Process(victim).kill()
        await read_until(process, f"process {victim} ended: terminated by SIGKILL")
        assert "started again as process" in await read_until(process, "started again")
        process.send_signal(signal.SIGHUP)
        assert (await words_of(process))[0] == 0


async def test_a_taken_port_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with parley_run(tmp_path, PARLEY_GATEWAY_PORT=str(port)) as process:
            assert await words_of(process) == (
                2,
                f"parley: PARLEY_GATEWAY_PORT: {port} is taken by another program; stop it, or choose another: "
                f"PARLEY_GATEWAY_PORT={port + 1} make run\n",
            )


async def test_each_wrong_variable_is_one_line(tmp_path: Path) -> None:
    async with parley_run(tmp_path, PARLEY_GATEWAY_PORT="high", PARLEY_VAD="maybe") as process:
        status, said = await words_of(process)
    assert status == 2
    first, second = said.splitlines()
    assert {line.split(":")[1].strip() for line in (first, second)} == {"PARLEY_GATEWAY_PORT", "PARLEY_VAD"}


async def test_a_service_that_refuses_its_settings_ends_the_run(tmp_path: Path) -> None:
    async with parley_run(tmp_path, FAKE_FAILS="rag:misconfigured") as process:
        status, said = await words_of(process)
    assert status == 2
    assert said.splitlines() == [
        "Starting; this takes some seconds.",
        "parley: parley rag: PARLEY_RAG: there is no engine 'nonsense'; known are local",
    ]


async def test_replicas_out_of_range(tmp_path: Path) -> None:
    async with parley_run(tmp_path, replicas=0) as process:
        assert await words_of(process) == (2, "parley: REPLICAS: 0; from 1 to 8\n")
