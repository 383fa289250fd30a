"""What is asked of a cluster, by the kubectl of whoever asks: with his rights, and no others."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from parley.errors import Misconfigured, Unavailable

TIMEOUT_S = 20.0
_FORWARDING = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+)")


class Kubectl:
    """One namespace of one cluster. `context` empty: kubectl's current one."""

    def __init__(self, namespace: str, context: str = "", program: str = "kubectl") -> None:
        self.namespace = namespace
        self.context = context
        self._program = program

    async def get(self, kinds: str) -> list[dict[str, Any]]:
        """All objects of these kinds, `deployments,pods`. Raises Misconfigured without kubectl, Unavailable."""
        process = await self._started("get", kinds, "-o", "json", "--request-timeout=15s")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise Unavailable(f"kubectl get {kinds}: no answer within {TIMEOUT_S:g} s") from None
        if process.returncode:
            why = _last_line(err)
            raise Unavailable(f"kubectl get {kinds}: {why} (another cluster: --context, `kubectl config get-contexts`)")
        return list(json.loads(out)["items"])

    @asynccontextmanager
    async def forwarded(self, what: str, port: int) -> AsyncIterator[int]:
        """A port of this machine that leads to one of a pod, `pod/nats-0`. Raises Misconfigured, Unavailable."""
        process = await self._started("port-forward", what, f":{port}", "--address", "127.0.0.1")
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    line = await process.stdout.readline()
            except TimeoutError:
                raise Unavailable(f"kubectl port-forward {what}: nothing within {TIMEOUT_S:g} s") from None
            if (match := _FORWARDING.search(line)) is None:
                why = _last_line(await process.stderr.read())
                await process.wait()
                raise Unavailable(f"kubectl port-forward {what}: {why}")
            yield int(match[1])
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def _started(self, *arguments: str) -> asyncio.subprocess.Process:
        if (program := shutil.which(self._program)) is None:
            raise Misconfigured("kubectl is not installed; it is what the cluster is asked with")
        where = ["--namespace", self.namespace, *(["--context", self.context] if self.context else [])]
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            program, *where, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
