"""The real services under the process runner: all come up with no key, one is killed, all stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from cli.plan import ORGANS
from cli.stack import Stack
from tests.run.conftest import gone


@pytest.mark.realtime
async def test_everything_runs_on_this_machine_and_survives_a_kill(tmp_path: Path) -> None:
    async with Stack(data_dir=tmp_path, env={"PARLEY_PROFILE": "local", "PARLEY_WORKERS": "1"}, ready_s=90) as stack:
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{stack.gateway_url}/health")).status_code == 200
            for name, url in stack.metrics_urls().items():
                assert "python_info" in (await client.get(url)).text, name
        (victim,) = stack.pids("orchestrator")
        os.kill(victim, signal.SIGKILL)
        assert await stack.restarted("orchestrator", victim) != victim
        family = [child.pid for child in psutil.Process(stack.all_pids()["supervisord"]).children(recursive=True)]
        assert len(family) >= len(ORGANS) + 2
    await gone(family, 2)
