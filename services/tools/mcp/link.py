"""One server of one agent: connected for as long as it is wanted, connected again when it is lost."""

from __future__ import annotations

import asyncio
import base64
import importlib
import random
import traceback
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter, Gauge

from parley.agents.foreign.auth import Auth, SecretRef
from parley.agents.foreign.mcp import McpServer
from parley.errors import Misconfigured
from parley.secrets import Secrets, hidden
from parley.tooling import ToolMarks
from services.tools.contract import Away
from services.tools.execution.invoker import HARD_LIMIT_S
from services.tools.foreign.trouble import BUSY, UNREACHABLE
from services.tools.foreign.words import one_line
from services.tools.mcp.contract import Down, Listed, Returned, Session
from services.tools.mcp.listing import tools_of
from services.tools.schema import LoadedTool

log = structlog.get_logger()

MAX_CALLS = 16  # at once; more wait, within their own time limit
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
STEADY_S = 30.0  # a session that stood for so long is followed by the shortest pause again
RELIST_S = 1.0  # between two lists, however often a server says that its tools have changed

UP = Gauge("voice_mcp_up", "1 while a server of an agent is connected", ["agent", "server"])
LOST = Counter("voice_mcp_lost_total", "Sessions with servers that ended, or were never made", ["agent", "server"])


class Link:
    """`tools`: what the server could do when it last said so, also while it is away. `known`: it has said so, or could
    not be reached. `last_used`: by the loop's clock. `left`: no agent.yaml names it any more; lost, it stays
    so."""

    def __init__(self, agent: str, name: str, config: McpServer, home: Path, secrets: Secrets) -> None:
        self.agent = agent
        self.name = name
        self.tools: dict[str, LoadedTool] = {}
        self.known = asyncio.Event()
        self.last_used = 0.0
        self.left = False
        self._config = config
        self._home = home
        self._secrets = secrets
        self._session: Session | None = None
        self._stood = False
        self._listed: list[Listed] = []
        self._look = asyncio.Event()
        self._asked = 0
        self._room = asyncio.Semaphore(MAX_CALLS)

    @property
    def connected(self) -> bool:
        return self._session is not None

    @property
    def busy(self) -> bool:
        """Something is asked of it, or it is being connected."""
        return self._session is None or self._asked > 0

    def leave(self) -> None:
        """It is named no more. Calls that know it may use it while it stands."""
        self.left = True
        UP.labels(self.agent, self.name).set(0)
        log.info("a server of tools is named no more", agent=self.agent, server=self.name, connected=self.connected)

    def take_back(self) -> None:
        """It is named again."""
        self.left = False
        UP.labels(self.agent, self.name).set(int(self.connected))

    async def call(self, tool: str, arguments: dict[str, Any], key: str, marks: ToolMarks) -> Returned:
        """Raises ToolError (it was not done), Unsure (who knows)."""
        try:
            async with asyncio.timeout(marks.limit_s):
                await self._room.acquire()
        except TimeoutError:
            raise Away(BUSY) from None
        self._asked += 1
        try:
            if (session := self._session) is None:
                raise Away(UNREACHABLE)
            return await session.call(tool, arguments, key, HARD_LIMIT_S if marks.effects else marks.limit_s)
        except Exception:
            self._look.set()  # is it still there?
            raise
        finally:
            self._asked -= 1
            self._room.release()

    async def run(self) -> None:
        """Stay connected, for as long as it is named."""
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        while True:
            began = loop.time()
            why, words = await self._connect()
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError  # an error of the SDK's clean-up came over it
            self.known.set()
            if self.left:
                log.info("a server of tools is left", agent=self.agent, server=self.name)
                return
            LOST.labels(self.agent, self.name).inc()
            if loop.time() - began > STEADY_S:
                pause_s = FIRST_PAUSE_S
            log.warning("a server of tools is away, tried again", agent=self.agent, server=self.name, why=why, **words)
            await asyncio.sleep(pause_s * (0.5 + random.random()))  # noqa: S311 - spreads replicas
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _connect(self) -> tuple[str, dict[str, str]]:
        """Until the session ends. Gives the reason, and the last words of a program as a field of the log: personal
        once it could be asked something, as they may hold what it was asked."""
        program = None
        self._stood = False
        try:
            # The SDK takes a second to import, which no call is to wait for.
            sdk: Any = await asyncio.to_thread(importlib.import_module, "services.tools.mcp.session")
            stdio: Any = importlib.import_module("services.tools.mcp.stdio")
            env, headers = self._given()
            if self._config.command:
                args = self._config.args
                program = stdio.Program(self._config.command, args, env, self._home, on_end=self._ended)
            async with sdk.connected(self._config, headers, program, self._look.set) as session:
                await self._serve(session)
        except Exception as e:  # out of the SDK they come in groups
            reason = _reason(e)
        else:
            reason = "it ended"
        finally:
            self._ended()
        if program is None:
            return reason, {}
        words = one_line(hidden(program.last_words.decode("utf-8", "replace"), env.values())[-500:], 500)
        field = "last_words_pii" if self._stood else "last_words"
        return program.why or reason, {field: words} if words else {}

    async def _serve(self, session: Session) -> None:
        while True:
            self._look.clear()
            self._asked += 1
            try:
                self._take(await session.tools())
            finally:
                self._asked -= 1
            if self._session is None:
                self._session, self._stood = session, True
                if not self.left:
                    UP.labels(self.agent, self.name).set(1)
                log.info("a server of tools is connected", agent=self.agent, server=self.name, tools=len(self.tools))
            self.known.set()
            await asyncio.sleep(RELIST_S)
            try:
                async with asyncio.timeout(self._config.refresh_s):
                    await self._look.wait()
            except TimeoutError:
                continue

    def _take(self, listed: list[Listed]) -> None:
        if listed == self._listed and self.tools:
            return
        before = {each.name: each for each in self._listed}
        changed = sorted(one_line(x.name, 80) for x in listed if x.name in before and before[x.name] != x)
        if changed:
            log.warning("a server describes its tools otherwise", agent=self.agent, server=self.name, tools=changed)
        self._listed = listed
        self.tools = tools_of(self.name, self._config, listed, self)

    def _ended(self) -> None:
        """From now on calls are told that nobody is there."""
        self._session = None
        self._look.set()
        if not self.left:  # another of this name may stand
            UP.labels(self.agent, self.name).set(0)

    def _given(self) -> tuple[dict[str, str], dict[str, str]]:
        """The environment of a program and the headers for a server elsewhere, with their secrets in them."""
        env = {n: self._secrets.get(v.secret) if isinstance(v, SecretRef) else v for n, v in self._config.env.items()}
        auth = self._config.auth
        return env, {} if auth is None else _header(auth, self._secrets.get(auth.secret))


def _reason(error: BaseException) -> str:
    """In words of ours: what others said is not for the log."""
    if isinstance(error, BaseExceptionGroup):
        reasons = [_reason(each) for each in error.exceptions]
        return max(reasons, key=len)
    if isinstance(error, Down | Misconfigured):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}{f' in {frames[-1].name}' if frames else ''}"


def _header(auth: Auth, secret: str) -> dict[str, str]:
    if not (secret.isascii() and secret.isprintable()):
        raise Misconfigured(f"secret {auth.secret}: it is not one line of ASCII")
    if auth.type == "header":
        return {auth.name: secret}
    proof = f"Basic {base64.b64encode(secret.encode()).decode()}" if auth.type == "basic" else f"Bearer {secret}"
    return {"Authorization": proof}
