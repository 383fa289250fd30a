"""What of the services' logs is worth a line at the terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from parley.aio import background
from runner.logs import follow, last_error, readable
from testbed.patience import PATIENCE_S


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level": "info", "event": "serving", "port": 1}', None),
        ('{"level": "warning", "event": "peer lost", "service": "stt", "peer": "llm"}', "warning: peer lost peer=llm"),
        ("2026-11-21 00:32:10 [info     ] serving", None),
        ("2026-11-21 00:32:10 [error    ] it broke", "2026-11-21 00:32:10 [error    ] it broke"),
        ("[7] 2026/11/21 00:49:46 [INF] Starting nats-server", None),
        ("[7] 2026/11/21 00:49:46 [WRN] Plaintext passwords detected, use nkeys or bcrypt", None),
        ("[7] 2026/11/21 00:49:46 [ERR] cannot store", "[7] 2026/11/21 00:49:46 [ERR] cannot store"),
        ("I1121 00:49:56.721444     790 fork_posix.cc:71] Other threads are calling", None),
        ("E1121 00:49:56.721444     790 socket.cc:71] broken", "E1121 00:49:56.721444     790 socket.cc:71] broken"),
        ("RuntimeError: the disk is full", "RuntimeError: the disk is full"),
        ("   ", None),
    ],
)
def test_trouble_is_shown_and_the_rest_is_not(line: str, shown: str | None) -> None:
    assert readable(line) == shown


def test_the_last_words_of_a_process(tmp_path: Path) -> None:
    log = tmp_path / "stt.log"
    assert last_error(log) == ""
    log.write_text('x\nparley stt: no such engine\n{"level": "info", "event": "bye"}\n')
    assert last_error(log) == "parley stt: no such engine"


async def test_lines_come_as_they_are_written_and_a_flood_is_counted(tmp_path: Path) -> None:
    shown: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    log = tmp_path / "stt.log"
    log.write_text("first\nhalf a li")
    following = follow(tmp_path, lambda name, text: shown.put_nowait((name, text)))
    async with background(following), asyncio.timeout(PATIENCE_S):
        assert await shown.get() == ("stt", "first")
        with log.open("a") as file:
            file.write("ne\n")
        assert await shown.get() == ("stt", "half a line")
        with log.open("a") as file:
            file.write("again\n" * 30)
        texts = [(await shown.get())[1] for _ in range(21)]
        assert texts[-1] == f"... and 10 lines more, in {log}"
        log.write_text("new\n")  # rotated: a new, shorter file
        assert await shown.get() == ("stt", "new")
