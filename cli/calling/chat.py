"""`parley chat`: the same bot in text, over `WS /ws/chat`."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated, Any, TextIO

import httpx
import orjson
import typer

from cli.calling.shown import line_of
from cli.reach.gateway import NoGateway, reach
from parley.agents.agent import SPECIALIST
from parley.agents.files import known_agents, load_agent
from parley.errors import BadInput, Misconfigured, ParleyError, Unavailable
from parley.settings import Settings
from parley.v1.conversation_pb2 import Say
from testbed.telephone.wire import Wire, connect

GREETING_S, ANSWER_S = 3.0, 30.0
QUIET_S = 0.3
"""An answer is over when nothing has followed its end for so long."""
_MAX_RETURNS, _RETURN_S = 5, 0.5


def chat(
    gateway: Annotated[str, typer.Option(help="Address of the gateway; else the one of `make run`.")] = "",
    agent: Annotated[str, typer.Option(help="Who is to answer, unless the gateway's own choice is right.")] = "",
    specialist: Annotated[str, typer.Option(help="The agent's specialist that the chat begins with.")] = "",
) -> None:
    """Talk to a bot in text; Ctrl-D ends. Lines may be piped in.

    Exit status: 0, 1 an answer did not come or the connection was lost, 2 wrong arguments or no gateway.
    """
    try:
        answered = asyncio.run(_talk(Settings.read(), gateway, agent, specialist))
    except (BadInput, Misconfigured, NoGateway) as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if answered else 1)


async def _talk(settings: Settings, gateway: str, agent: str, specialist: str) -> bool:
    """Until the input or the call ends. Whether each line was answered."""
    url = await reach(gateway, settings)
    _known(settings, agent, specialist)
    session = await _session(url, agent)
    parameters = {SPECIALIST: specialist} if specialist else {}
    page = Page(url, session.get("wrapper", {}).get("cards", ()), parameters)
    await page.enter(session["token"])
    asked = sys.stdin.isatty()
    answered = True
    try:
        await page.answer(GREETING_S)
        while not page.ended:
            if asked:
                print("you: ", end="", flush=True)
            line = await _line(sys.stdin, page)
            if line is None:
                break
            if line.strip():
                page.say(line.strip())
                answered = await page.answer(ANSWER_S) and answered
    finally:
        page.leave()
    if asked:
        print()
    return answered


class Page:
    """The client's end of `/ws/chat`; docs/protocol.md has every message. Prints what the bot says as it comes."""

    def __init__(
        self, url: str, cards: Iterable[dict[str, Any]] = (), parameters: dict[str, str] | None = None
    ) -> None:
        self._url = url
        self._cards = {card["name"]: card for card in cards}
        self._parameters = parameters or {}
        self._resume = ""
        self._wire: Wire
        self._open: set[int] = set()
        self._answers = 0
        self._column = 0
        self._news = asyncio.Event()
        self.ended = ""

    async def enter(self, token: str) -> None:
        """Raises Unavailable."""
        address = self._url.replace("http", "ws", 1) + "/ws/chat"
        self._wire = await connect(address, {}, self._take, lambda _: None)
        self._wire.closed.add_done_callback(lambda _: self._news.set())
        start = {"type": "start", "token": token} | ({"parameters": self._parameters} if self._parameters else {})
        self._wire.send(orjson.dumps(start).decode())

    def say(self, text: str) -> None:
        self._answers = 0
        self._wire.send(orjson.dumps({"type": "text", "text": text}).decode())

    async def answer(self, timeout_s: float) -> bool:
        """Until the bot has answered and is silent, or the call is over. False: it has not. Raises Unavailable."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self.ended and (self._open or not self._answers or await self._more()):
                    await self.changed()
        except TimeoutError:
            return False
        return bool(self._answers or self.ended)

    async def changed(self) -> None:
        """Until something has come. A lost connection is taken up again. Raises Unavailable when it cannot be."""
        await self._news.wait()
        self._news.clear()
        if self._wire.closed.done() and not self.ended:
            await self._return()

    def leave(self) -> None:
        if not self.ended:
            self._wire.send('{"type":"hang_up"}')
        self._wire.close()

    async def _more(self) -> bool:
        self._news.clear()
        try:
            async with asyncio.timeout(QUIET_S):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _return(self) -> None:
        code = self._wire.closed.result()
        if code == 1000 or not self._resume:
            self.ended = f"the gateway closed the connection ({code})"
            if not self._resume:
                raise Unavailable(self.ended)
            return
        for _ in range(_MAX_RETURNS):
            try:
                await self.enter(self._resume)
                return
            except Unavailable:
                await asyncio.sleep(_RETURN_S)
        raise Unavailable("the connection was lost and could not be taken up again")

    def _take(self, text: str) -> None:
        message: dict[str, Any] = orjson.loads(text)
        match message["type"]:
            case "ready":
                self._resume = message["resume"]
            case "say":
                self._said(message["utterance"], message["text"], message["final"], message["kind"])
            case "cut":
                self._open.discard(message["utterance"])
                self._line(" ...")
            case "transfer":
                self._line(f"(you would be connected to {message['to']} now)")
            case "show":
                self._shows(line_of(self._cards, message["name"], message["json"]))
            case "error":
                print(f"parley: {message['message']}", file=sys.stderr)
            case "ended":
                self.ended = message["reason"]
        self._news.set()

    def _said(self, utterance: int, text: str, final: bool, kind: int) -> None:
        if text:
            self._print(text if self._column else f"bot: {text}")
        self._open.add(utterance)
        if final:
            self._open.discard(utterance)
            self._answers += kind != Say.KIND_FILLER
            self._line("")

    def _shows(self, line: str) -> None:
        """Beside the words: a sentence that is being said is gone on with behind it."""
        if self._column:
            self._line("")
        self._line(line)

    def _line(self, text: str) -> None:
        self._print(text)
        if self._column:
            print(flush=True)
            self._column = 0

    def _print(self, text: str) -> None:
        print(text, end="", flush=True)
        self._column += len(text)


def _known(settings: Settings, agent: str, specialist: str) -> None:
    """Raises BadInput: as far as the agents' files are here, there is no such specialist."""
    name = agent or settings.agent
    if not specialist or name not in known_agents(settings.agents_dir):
        return
    if specialist not in (known := load_agent(settings.agents_dir, name).specialists):
        raise BadInput(f"--specialist {specialist}: {name} has no such one; known are {', '.join(known) or 'none'}")


async def _session(url: str, agent: str) -> dict[str, Any]:
    """A one-time token for a new chat, and who answers. Raises BadInput (no such agent), Unavailable."""
    try:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            answer = await client.get(f"{url}/api/session", params={"door": "chat", "agent": agent})
            body: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(f"{url} gave no token ({type(error).__name__})") from error
    if answer.status_code == 404:
        raise BadInput(f"--agent {agent}: {body.get('error')}")
    if not answer.is_success:
        raise Unavailable(f"{url} gave no token: {body.get('error', answer.status_code)}")
    return body


async def _line(source: TextIO, page: Page) -> str | None:
    """The next line that is typed; None at the end of the input, or of the call. Raises Unavailable.

    Read in a thread of its own, which is left behind when the call ends first: a terminal gives no other way.
    """
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def take(line: str) -> None:
        if not typed.done():
            typed.set_result(line)

    def read() -> None:
        line = source.readline()
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(take, line)

    threading.Thread(target=read, daemon=True).start()
    while not typed.done() and not page.ended:
        news = asyncio.ensure_future(page.changed())
        try:
            waiting: set[asyncio.Future[Any]] = {typed, news}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if news.done():
                news.result()
        finally:
            news.cancel()
    return (typed.result() or None) if typed.done() else None
