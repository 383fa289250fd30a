"""The engine without a vendor: patterns and sentence embeddings over the agent's own files. No model is downloaded.

It knows only what the agent's domain, tools and passages say, and says so when that is not enough. Meanings are
compared, and passages read, in English only; other languages (`local/languages/`) have the agent's phrases alone.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from parley.agents.agent import Agent
from parley.agents.domain import Intent
from parley.agents.identity import VERIFY
from parley.errors import Misconfigured
from parley.published.shelf import Shelf
from parley.settings import Settings
from parley.text.phrases import normalise
from services.llm.contract import (
    ChatRequest,
    Finish,
    FinishReason,
    LlmEvent,
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolChoice,
    Usage,
)
from services.llm.local.dialogue import answers, arguments, confirmation, course, failing, verification
from services.llm.local.dialogue.frame import Act, Call, Look, Say
from services.llm.local.dialogue.verification import Proof
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.kept import Kept
from services.llm.local.understanding.learned import Learned
from services.llm.local.understanding.understanding import Embeds, Understanding
from services.llm.local.understanding.vocabulary import knowledge_of

log = structlog.get_logger()

HAND_OVER = "hand_over"
"""The orchestrator's own tool, of agents with specialists."""


class Local:
    """One for all calls of the process; agents are compiled when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._learned = Learned(settings.agents_dir, self._learn, Shelf(settings.data_dir))
        self._embedder: Embeds | None = None
        self._kept_in = Path()
        self._reader: answers.Reader | None = None
        self._loaded = False
        self._loading = asyncio.Lock()

    async def warm(self) -> None:
        """Load the embeddings and the agent that answers unless a call names another."""
        await self._learned.of(self._settings.agent)

    async def learn(self, agent: str, version: str) -> None:
        """A published version, before it is asked for. Raises Misconfigured, NotFound."""
        await self._learned.learn(agent, version)

    async def chat(self, request: ChatRequest) -> AsyncIterator[LlmEvent]:
        understanding = await self._learned.of(request.agent or self._settings.agent, request.agent_version)
        text, calls = await self._round(request, understanding)
        for word in re.findall(r"\S+\s*", text):
            yield TextDelta(word)
        for call in calls:
            yield call
        heard = sum(len(m.text.split()) for m in request.messages)
        yield Usage(heard, len(text.split()) + len(calls), vendor="local", model="patterns")
        yield Finish(FinishReason.TOOL_CALLS if calls else FinishReason.STOP)

    async def aclose(self) -> None:
        await self._learned.aclose()
        if close := getattr(self._embedder, "close", None):
            await asyncio.to_thread(close)

    async def _round(self, request: ChatRequest, understanding: Understanding) -> tuple[str, list[ToolCall]]:
        messages, said = _without_note(request.messages)
        text, calls = await self._answer(request, messages, understanding)
        rest = text.removeprefix(said) if said and text.startswith(said) else text
        return rest.strip(), calls

    async def _answer(
        self, request: ChatRequest, messages: tuple[Message, ...], understanding: Understanding
    ) -> tuple[str, list[ToolCall]]:
        domain = understanding.domain
        results = _fresh_results(messages)
        frame, acts, done = await course.planned(messages, understanding)
        behind = bool(done) and _last_called(messages) <= done  # "yes, and when are you open": the yes is done
        words = [answers.of_result(_intent_of(n, acts, domain), r, domain.agent) for n, r in results]
        if not results and confirmation.left_unclear(messages):
            words = [domain.says.not_done]
        if any(answers.has_failed(r) for _, r in results) and answers.failed_before(messages, len(results)):
            words[-1] = failing.with_offer(words[-1], _last_said(messages), domain)
        if results and messages[-1].role is Role.ASSISTANT:  # they came late: all else has been said
            return " ".join(dict.fromkeys(words)), []
        found = next((result for name, result in results if name == VERIFY), None)
        if found is not None or not results or behind:
            offered = {tool.name for tool in request.tools if request.tool_choice is not ToolChoice.NONE}
            if (proof := verification.next_step(frame, acts, found, offered, domain)) is not None:
                return self._proven(proof, words if behind or not results else [], request, understanding)
        wanted = [act for act in acts if isinstance(act, Call)]
        if wanted and (behind or not results):
            rounds = [self._call(act, request, understanding) for act in wanted]
            if calls := [call for _, made in rounds for call in made]:
                return _joined([*words, *(act.first for act in wanted)]), calls
            words += [text for text, _ in rounds]
        if behind or not results or (wanted and len(acts) > 1):
            told = [await self._told(act, request, understanding) for act in acts]
            words += told
            if missed := [act.sure for act, text in zip(acts, told, strict=True) if isinstance(act, Look) and not text]:
                words.append(domain.says.not_the_other if any(words) else failing.fallback(frame, missed[0], domain))
        return _joined(words), []

    def _proven(
        self, proof: Proof, before: list[str], request: ChatRequest, understanding: Understanding
    ) -> tuple[str, list[ToolCall]]:
        """The words and calls that show who the caller is, or that this opens, behind the words `before`."""
        calls = [call for act in proof.calls for call in self._call(act, request, understanding)[1]]
        return _joined([*before, proof.text]), [*calls, *([_made(VERIFY, proof.check)] if proof.check else [])]

    async def _told(self, act: Act, request: ChatRequest, understanding: Understanding) -> str:
        """The words of an act that needs no tool; "" if knowledge has none."""
        if isinstance(act, Say):
            return act.text
        return await self._looked_up(act, request, understanding) if isinstance(act, Look) else ""

    async def _looked_up(self, look: Look, request: ChatRequest, understanding: Understanding) -> str:
        """The passages' answer; "" if none. One that leans on the question before is tried with its words first."""
        domain = understanding.domain
        if self._reader is None or not domain.language.embeddings:
            return ""
        if not answers.hold(request.passages, look.unknown):
            return ""
        named = domain.language.own_words(normalise(look.question))
        if look.topic:
            asked, towards = f"{look.topic} {look.question}", understanding.middle(look.topic_intent)
            found = await self._reader.answer(asked, request.passages, answers.LEANING_SCORE, towards)
            if found and answers.has_words(found, named) and answers.has_form(found, look.question):
                return found
        guessed = bool(look.topic) and not named  # it names nothing: the intent of such words is chance
        least = answers.SURE_SCORE if look.sure and not guessed else answers.ALONE_SCORE
        least = max(least, answers.DOUBTED_SCORE) if look.doubted else least
        least = answers.STRANGE_SCORE if look.off_topic else least
        towards = understanding.middle(look.intent) if look.sure and not guessed else None
        found = await self._reader.answer(look.question, request.passages, least, towards)
        plain = look.sure and not (look.doubted or look.off_topic or guessed)
        if found or not plain or not answers.is_form_alone(look.question, named):
            return found
        for asked in domain.asked_plainly(look.intent):  # "where are you" is answered as "what is your address" is
            found = await self._reader.answer(asked, request.passages, least, towards)
            if found and answers.has_form(found, look.question):
                return found
        return ""

    def _call(self, act: Call, request: ChatRequest, understanding: Understanding) -> tuple[str, list[ToolCall]]:
        """The tool call, if the tool is offered in this round; only arguments that it knows."""
        domain = understanding.domain
        tool = next((t for t in request.tools if t.name == domain.intents[act.intent].tool), None)
        if tool is None and (other := self._given_on(domain.intents[act.intent].tool, request, domain)) is not None:
            return "", [other]
        if tool is None or request.tool_choice is ToolChoice.NONE:
            log.warning("tool not offered", tool=domain.intents[act.intent].tool, call=request.call_id)
            return domain.agent.sentences.trouble, []
        known = orjson.loads(tool.parameters or "{}").get("properties", {})
        try:
            given = arguments.given(act.slots, known, _day_of(request), domain)
        except arguments.NotTaken as wrong:
            return f"{domain.says.do_not_understand} {domain.slots[wrong.slot].ask}", []
        return "", [_made(tool.name, given)]

    def _given_on(self, tool: str, request: ChatRequest, domain: Domain) -> ToolCall | None:
        """Another specialist's tool: the call is given to them, and asked about again in their hands."""
        owner = next((name for name, each in domain.agent.specialists.items() if tool in each.tools), "")
        offered = any(each.name == HAND_OVER for each in request.tools) and request.tool_choice is not ToolChoice.NONE
        if not (owner and offered):
            return None
        return _made(HAND_OVER, {"to": owner, "summary": ""})

    async def _learn(self, agent: Agent, root: Path) -> Understanding:
        """Raises Misconfigured (the agent's phrases)."""
        knowledge = root / agent.name / "knowledge"
        made = Understanding(await asyncio.to_thread(lambda: Domain(agent, knowledge_of(knowledge))))
        if made.domain.language.embeddings and (embedder := await self.embeds()) is not None:
            await made.learn(Kept(embedder, self._kept_in))
        return made

    async def embeds(self) -> Embeds | None:
        """The embedder; None, said once, when its packages are missing: then only patterns count."""
        async with self._loading:
            return await self._load()

    async def _load(self) -> Embeds | None:
        if not self._loaded:
            self._loaded = True
            try:
                from parley.embedding import Embedder

                self._embedder = loaded = await asyncio.to_thread(Embedder.load, self._settings.embedding_dir)
                self._kept_in = self._settings.data_dir / "models" / loaded.name / "phrases"
                self._reader = answers.Reader(loaded)
            except (ModuleNotFoundError, Misconfigured) as e:
                log.warning("no sentence embeddings: only the agent's own phrases are understood", reason=str(e))
        return self._embedder


def _intent_of(tool: str, acts: list[Act], domain: Domain) -> Intent | None:
    """The intent that a tool was called for: that of the caller's last sentence, else the first that calls it."""
    planned = (act.intent for act in acts if isinstance(act, Call))
    name = next((name for name in planned if domain.intents[name].tool == tool), domain.of_tool(tool))
    return domain.intents.get(name)


def _made(tool: str, arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(f"call_{uuid.uuid4().hex[:24]}", tool, orjson.dumps(arguments).decode())


def _day_of(request: ChatRequest) -> date:
    """The day of the call, where this machine is, as tools know it."""
    now = datetime.fromtimestamp(request.at_ms / 1000, UTC) if request.at_ms else datetime.now(UTC)
    return now.astimezone().date()


def _without_note(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], str]:
    """The messages without a note to go on after an answer that broke off, and the words said of that answer.

    Such a note is a message of the user's side in parentheses, right after the bot's own: nobody speaks that.
    """
    if len(messages) > 1 and messages[-1].role is Role.USER and messages[-2].role is Role.ASSISTANT:
        note = messages[-1].text
        if note.startswith("(") and note.endswith(")") and not messages[-2].tool_calls:
            return messages[:-2], messages[-2].text
    return messages, ""


def _joined(words: list[str]) -> str:
    return " ".join(dict.fromkeys(word for word in words if word))


def _last_called(messages: tuple[Message, ...]) -> set[str]:
    """The tool calls whose results stand at the end."""
    ids: set[str] = set()
    for message in reversed(messages):
        if message.role is not Role.TOOL:
            break
        ids.add(message.tool_call_id)
    return ids


def _last_said(messages: tuple[Message, ...]) -> str:
    """What the bot said last; "" if nothing yet."""
    return next((m.text for m in reversed(messages) if m.role is Role.ASSISTANT and m.text), "")


def _fresh_results(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    """(tool, result) that this round words: those at the end; of tools that took long, also behind other words."""
    names = {c.id: c.name for m in messages for c in m.tool_calls}
    behind = bool(messages) and messages[-1].role is Role.ASSISTANT
    results: list[tuple[str, str]] = []
    for message in reversed(messages):
        if message.role is Role.TOOL:
            results.append((names.get(message.tool_call_id, ""), message.text))
        elif results or not behind:
            break
    return results[::-1]
