"""`parley forget`, typed beside a run: it reaches NATS as the operator, and tools by way of it."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import httpx

from parley.bus import Bus, make_events_stream, records_of
from parley.rpc import Peers
from parley.settings import Settings
from runner.plan import BACKOFFICE
from runner.stack import Stack
from testbed.house import samples
from testbed.patience import PATIENCE_S
from testbed.recorded_calls import RecordedCall
from tests.run.conftest import FAKES, clean_environment
from tests.tools.service import AGENTS, Desk

REAL = {"tools": "services.tools", BACKOFFICE: "services.backoffice"}
CALLER = "+15550109999"


async def forget(data_dir: Path, number: str) -> tuple[int, list[str], str]:
    """The real command line: status, lines, errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "forget", number,
        env={**clean_environment(), "PARLEY_DATA_DIR": str(data_dir)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE_S):
        out, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode().splitlines(), errors.decode()


async def kept(url: str, count: int) -> None:
    """Wait until backoffice has kept so many records."""
    name = "voice_records_total{outcome=kept}"
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client, asyncio.timeout(PATIENCE_S):
        while samples((await client.get(f"{url}/metrics")).text).get(name) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_the_command_forgets_what_backoffice_nats_and_tools_have_and_leaves_who_is_on_the_line(
    tmp_path: Path,
) -> None:
    now_ms = int(time.time() * 1000)
    over = RecordedCall("CA1", caller=CALLER).opens().says("Hello.").caller("it is me").answers("Good.").ends()
    up = RecordedCall("CA2", caller=CALLER, at_ms=now_ms).opens().says("Hello.")
    env = {"PARLEY_AGENTS_DIR": str(AGENTS), "PARLEY_AGENT": "workshop"}
    async with Stack(data_dir=tmp_path, modules=FAKES | REAL, env=env, backoffice=True) as stack:
        mind = next(process.env for process in stack.plan.processes if process.service == "orchestrator")
        settings = Settings.read(
            nats_url=stack.plan.env["PARLEY_NATS_URL"],
            nats_user=mind["PARLEY_NATS_USER"],
            nats_password=mind["PARLEY_NATS_PASSWORD"],
        )
        journal = tmp_path / "journal"
        async with (
            Bus(settings, "test") as bus,
            Peers("tools", stack.plan.env["PARLEY_TOOLS_ADDRESS"].split(",")) as peers,
        ):
            assert await bus.ready(PATIENCE_S)
            await make_events_stream(bus, 1)
            records = [*over.records, *up.records]
            for each in records:
                epoch = f"{each.epoch.leg}.{each.epoch.open}"
                bus.record(each.call_id, f"{each.call_id}/{epoch}/{each.n}", each.SerializeToString())
            assert await bus.flushed(PATIENCE_S)
            tools = Desk(peers)
            assert await peers.ready(PATIENCE_S)
            await tools.execute("book_visit", 1, arguments={"journal": str(journal)})
            await kept(stack.backoffice_url, len(records))

            status, lines, errors = await forget(tmp_path, "0015550109999")
            assert (status, errors) == (1, ""), lines
            counts = {line[:48].strip(): line[48:].split() for line in lines if line[56:57].isdigit()}
            assert counts["event records in NATS"] == [str(len(over.records)), "records"]
            assert counts["transcripts"] == ["3", "lines"]
            assert counts["tools: arguments and results of actions"] == ["1", "actions"]
            assert any(line.startswith("kept: 1 actions in the tools' ledger") for line in lines)
            assert lines[-1] == "call CA2 goes on: forget the number again when it is over"
            assert await records_of(bus, "CA1") == []
            assert len(await records_of(bus, "CA2")) == len(up.records)

            again = await tools.execute("book_visit", 1, arguments={"journal": str(journal)})
            assert again.result_json == ""
            assert journal.read_text() == "booked CA1/1\n", "it was not done a second time"
