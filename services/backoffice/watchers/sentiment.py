"""How the caller sounds: each turn gets an emotion, and a call that goes badly is told so while it is on.

Three turns in a row that are frustrated, angry or sad are a run: the call gets the signal `escalate`, once a run.
A turn that its watcher hears of too late (`LATE_S`) tells nobody anything: the call has gone on.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

import structlog
from prometheus_client import Counter
from sqlalchemy import select, update

from parley.bus import Bus
from parley.database import Database
from parley.errors import BadInput, NotBuilt, NotFound
from parley.process.log_limit import Seldom
from parley.rpc import Peers, call
from parley.v1 import events_pb2, llm_pb2, llm_pb2_grpc
from parley.watching import Happening, happened
from services.backoffice.watchers.tables import emotions

log = structlog.get_logger()

KINDS = frozenset({"call.started", "turn"})
NEGATIVE = frozenset({"frustrated", "angry", "sad"})
RUN = 3
LATE_S = 30.0
LOOKED_BACK = 50
UNDERSTAND_S = 5.0
MAX_CALLS = 2000
MAX_CHARS = 4000
_felt = Counter("voice_emotions_total", "Turns of callers by emotion", ["emotion"])
_escalated = Counter("voice_escalations_told_total", "Calls that were told that they go badly")


@dataclass(frozen=True, slots=True)
class Felt:
    """One turn. `by`: what told it, as the llm service says. `escalated`: the call was told of the run it ends."""

    turn: str
    call_id: str
    at_ms: int
    emotion: str
    confidence: float
    by: str
    escalated: bool = False


def going_badly(newest_first: Sequence[Felt]) -> Sequence[Felt]:
    """The run of bad turns that the call ends with, if it is long enough and nobody was told of it. Pure."""
    run = []
    for felt in newest_first:
        if felt.emotion not in NEGATIVE:
            break
        run.append(felt)
    return run if len(run) >= RUN and not any(felt.escalated for felt in run) else ()


class Understanding:
    """What the llm service says of a turn. `llm`: its replicas."""

    def __init__(self, llm: Peers) -> None:
        self._llm = llm
        self._trouble = Seldom()

    async def __call__(self, asked: llm_pb2.UnderstandRequest) -> llm_pb2.UnderstandResponse | None:
        """None: this installation, or this language, knows no emotions. Raises Unavailable and the like."""
        try:
            reply: llm_pb2.UnderstandResponse
            reply = await call(self._llm, llm_pb2_grpc.LanguageModelStub, "Understand", asked, timeout_s=UNDERSTAND_S)
        except NotFound:  # an agent of another installation, or one that was removed
            if not asked.agent:
                raise
            return await self(
                llm_pb2.UnderstandRequest(call_id=asked.call_id, text=asked.text, language=asked.language)
            )
        except (NotBuilt, BadInput) as e:
            self._trouble.warning("callers' emotions are not known", error=e.code)
            return None
        return reply if reply.emotion else None


FirstOf = Callable[[str], Awaitable[bytes | None]]
"""The first record of a call."""
Understand = Callable[[llm_pb2.UnderstandRequest], Awaitable[llm_pb2.UnderstandResponse | None]]


class Sentiment:
    """Watches `KINDS`. Emotions are kept in the database; the calls' agents and languages in memory only."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        understand: Understand,
        first_of: FirstOf,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._bus, self._understand, self._now = database, bus, understand, now
        self._first_of = first_of
        self._calls: OrderedDict[str, llm_pb2.UnderstandRequest] = OrderedDict()

    async def happened(self, happening: Happening) -> None:
        if happening.kind == "call.started":
            self._began(happening)
            return
        asked = llm_pb2.UnderstandRequest()
        asked.CopyFrom(await self._about(happening.call_id))
        asked.text = str(happening.detail["text_pii"])[:MAX_CHARS]
        reply = await self._understand(asked)
        if reply is not None:
            await self._keep(
                Felt(
                    happening.id[:400],
                    happening.call_id,
                    happening.at_ms,
                    reply.emotion[:20],
                    reply.emotion_confidence,
                    reply.emotion_by[:40],
                )
            )

    async def of_call(self, call_id: str) -> list[Felt]:
        """In the order of the call. Raises Unavailable."""
        wanted = select(emotions).where(emotions.c.call_id == call_id).order_by(emotions.c.at_ms, emotions.c.turn)
        async with self._database.reading() as connection:
            return [Felt(**row) for row in (await connection.execute(wanted)).mappings()]

    async def _about(self, call_id: str) -> llm_pb2.UnderstandRequest:
        """Agent and language of a call; one that began in another process, or before this one, is looked up."""
        if call_id not in self._calls and (first := await self._first_of(call_id)) is not None:
            for happening in happened(events_pb2.EventRecord.FromString(first)):
                if happening.kind == "call.started":
                    self._began(happening)
        return self._calls.get(call_id) or llm_pb2.UnderstandRequest(call_id=call_id, language="en")

    def _began(self, happening: Happening) -> None:
        detail = happening.detail
        self._calls[happening.call_id] = llm_pb2.UnderstandRequest(
            call_id=happening.call_id,
            agent=detail["agent"],
            agent_version=detail["agent_version"],
            language=detail["language"],
        )
        while len(self._calls) > MAX_CALLS:
            self._calls.popitem(last=False)

    async def _keep(self, felt: Felt) -> None:
        async with self._database.transaction() as connection:
            added = await connection.execute(
                self._database.insert(emotions).values(**asdict(felt)).on_conflict_do_nothing()
            )
            if added.rowcount:
                _felt.labels(felt.emotion).inc()
            if felt.emotion not in NEGATIVE or self._now() - felt.at_ms / 1000 > LATE_S:
                return
            recent = await connection.execute(
                select(emotions)
                .where(emotions.c.call_id == felt.call_id)
                .order_by(emotions.c.at_ms.desc(), emotions.c.turn.desc())
                .limit(LOOKED_BACK)
            )
            run = going_badly([Felt(**row) for row in recent.mappings()])
            if not run:
                return
            await self._tell(run)
            told = [each.turn for each in run]
            await connection.execute(update(emotions).where(emotions.c.turn.in_(told)).values(escalated=True))

    async def _tell(self, run: Sequence[Felt]) -> None:
        """Before it is written down: who dies in between tells it again under the same id, which is heeded once."""
        last = run[0]
        wish = hashlib.sha256(run[-1].turn.encode()).hexdigest()[:32]
        why = f"{len(run)} turns in a row: {', '.join(felt.emotion for felt in reversed(run))}"
        signal = events_pb2.CallSignal(
            call_id=last.call_id, name="escalate", data=why[:200], at_ms=int(self._now() * 1000), id=f"run-{wish}"
        )
        await self._bus.publish(f"call.{last.call_id}.signal", signal.SerializeToString())
        _escalated.inc()
        log.info("a call goes badly", call_id=last.call_id, turns=len(run))
