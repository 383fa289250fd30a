"""What the API of calls gives and takes, with examples. docs/api.md tells it in words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_INT = 2**31 - 1
CALL_ID = "CA0123456789abcdef0123456789abcdef"
AT = "2026-11-30T09:30:00.000Z"

Emotion = Literal["neutral", "happy", "frustrated", "sad", "angry", "confused"]
Direction = Literal["inbound", "outbound"]


def _plain(text: str) -> str:
    if any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("has characters that nobody can see")
    return text


Text = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Count = Annotated[int, Field(ge=0, le=MAX_INT)]


class Taken(BaseModel):
    """A body or a query: what is not known is refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class LiveCall(BaseModel):
    """A call that is up. `cost_usd` null: its orchestrator has not told. `tool`: at work now."""

    call_id: str = Field(examples=[CALL_ID])
    agent: str = Field(examples=["frontdesk"])
    agent_version: str = Field(examples=["3f2a9c1b"])
    channel: str = Field(examples=["phone"])
    direction: str = Field(examples=["inbound"])
    caller: str = Field(examples=["***42"])
    called: str = Field(examples=["+15550100100"])
    language: str = Field(examples=["en"])
    started_at: str = Field(examples=[AT])
    seconds: int = Field(examples=[74])
    state: Literal["listening", "thinking", "speaking", "ended"]
    turn: int = Field(examples=[4])
    interruptions: int = Field(examples=[1])
    tool: str | None = Field(examples=["book_table"])
    specialist: str = Field(examples=[""])
    emotion: str | None = Field(examples=["neutral"])
    cost_usd: float | None = Field(examples=[0.0123])


class LiveCalls(BaseModel):
    """`more`: so many are up and not shown."""

    items: list[LiveCall]
    next: None = None
    more: int = Field(examples=[0])


class CallRow(BaseModel):
    """A call on record. `ended_at` null: it is up. `emotion`: of the caller's last turn, null: not known."""

    call_id: str = Field(examples=[CALL_ID])
    agent: str = Field(examples=["frontdesk"])
    agent_version: str = Field(examples=["3f2a9c1b"])
    channel: str = Field(examples=["phone"])
    direction: str = Field(examples=["inbound"])
    caller: str = Field(examples=["***42"])
    called: str = Field(examples=["+15550100100"])
    language: str = Field(examples=["en"])
    started_at: str = Field(examples=[AT])
    ended_at: str | None = Field(examples=["2026-11-30T09:32:10.200Z"])
    seconds: float = Field(examples=[130.2])
    turns: int = Field(examples=[9])
    interruptions: int = Field(examples=[2])
    pauses: int = Field(examples=[3])
    tools: int = Field(examples=[3])
    tools_failed: int = Field(examples=[0])
    fallbacks: int = Field(examples=[0])
    takeovers: int = Field(examples=[0])
    answer_ms: int | None = Field(description="Mean over the turns", examples=[640])
    slowest_ms: int | None = Field(examples=[1200])
    outcome: str = Field(examples=["resolved"])
    ended_by: str = Field(description="caller, bot, transfer or lost; empty while it is up", examples=["caller"])
    end_reason: str = Field(examples=["hung up"])
    cost_usd: float = Field(examples=[0.0312])
    emotion: str | None = Field(examples=["happy"])
    recording: bool = Field(description="Whether its sound was kept; this version keeps none", examples=[False])


class Line(BaseModel):
    """`heard`: characters of `text` that reached the ear. `kind` of the caller's: speech, typed, keys or aside;
    of the bot's: answer, filler or notice. `turn` 0: of none."""

    n: int
    who: Literal["caller", "bot"]
    text: str = Field(examples=["Certainly, for when?"])
    heard: int | None
    status: str = Field(examples=["heard"])
    kind: str = Field(examples=["answer"])
    at_ms: int
    turn: int | None
    emotion: str | None


class Stages(BaseModel):
    """ms after the caller's last word; null: not known, or it did not come. `first_sound`: it was sent; `heard`: it was
    at the caller's ear, as the mouth tells."""

    ears: int | None = Field(examples=[180])
    first_token: int | None = Field(examples=[420])
    first_sound: int | None = Field(examples=[610])
    heard: int | None = Field(examples=[690])
    over: int | None = Field(examples=[2400])


class Turn(BaseModel):
    """`by`: speech, typed, keys or aside. `rounds`: of the model."""

    turn: int
    at_ms: int
    by: str
    question: str = Field(examples=["a table for four"])
    interrupted: bool
    interruptions: int
    rounds: int
    stages: Stages
    tools: list[int] = Field(description="`intent` of each")


class Tool(BaseModel):
    """`ms` null: it runs, or it is not known. `intent`: its number in the call."""

    intent: int
    turn: int
    name: str = Field(examples=["book_table"])
    arguments: dict[str, Any] = Field(examples=[{"party": 4}])
    result: str
    status: str = Field(description="running, ok, failed, refused, unknown or ask", examples=["ok"])
    at_ms: int
    ms: int | None = Field(examples=[231])


class Cost(BaseModel):
    """One vendor's part at its list prices. `amount` in `unit`: seconds, tokens or characters."""

    stage: Literal["stt", "llm", "tts"]
    vendor: str = Field(examples=["local"])
    model: str
    usd: float = Field(examples=[0.012])
    unit: str = Field(examples=["tokens"])
    amount: float = Field(examples=[5210])
    requests: int


class Moment(BaseModel):
    """Something that happened, for the time line."""

    at_ms: int
    what: str = Field(examples=["paused"])
    turn: int
    detail: str


class CallDetail(CallRow):
    """A call with all that is known of it. `events`: how many records of it are kept."""

    summary: str
    slots: dict[str, Any] = Field(examples=[{"party": "4"}])
    transcript: list[Line]
    turn_list: list[Turn]
    tool_list: list[Tool]
    moments: list[Moment]
    costs: list[Cost]
    events: int


class CallEvent(BaseModel):
    """One input of the decisions. `text`: the words in it, without personal data."""

    n: int = Field(examples=[12])
    epoch: str = Field(examples=["1.1"])
    at_ms: int
    kind: str = Field(examples=["final"])
    text: str = Field(examples=["a table for four"])
    detail: dict[str, Any] = Field(examples=[{"confidence": 0.93}])


class Replay(BaseModel):
    """Whether this version decides the same. `differs`: the first record that comes out otherwise, as epoch/n."""

    verdict: Literal["same", "other", "unknown"]
    records: int = Field(examples=[40])
    compared: int = Field(examples=[40])
    inputs: int = Field(examples=[214])
    differs: str = Field(examples=[""])
    why: str = Field(examples=[""])


class Asked(BaseModel):
    """It was said to the call; what becomes of it is seen on its live page and in its record."""

    call_id: str = Field(examples=[CALL_ID])
    signal: Literal["hang_up", "transfer", "note"]
    at: str = Field(examples=[AT])


Number = Annotated[
    str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="As +15550100199 (E.164)", examples=["+15550100199"])
]


class HangUp(Taken):
    reason: Text = Field("", examples=["abuse"])


class Transfer(Taken):
    to: Number
    reason: Text = Field("", examples=["wants a person"])


class TakeOver(Taken):
    """`to` empty: the number of whoever asks."""

    to: Number | Literal[""] = Field("", examples=[""])


class Note(Taken):
    text: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_plain)] = Field(
        examples=["offer ten percent"]
    )


class Percentiles(BaseModel):
    p50: int | None = Field(examples=[620])
    p95: int | None = Field(examples=[1100])


class Figures(BaseModel):
    """`containment`: the share of ended calls that were not given to people; null: none has ended."""

    calls: int = Field(examples=[312])
    minutes: float = Field(examples=[640.5])
    turns: int = Field(examples=[2100])
    answer_ms: Percentiles
    containment: float | None = Field(examples=[0.82])
    transfers: int = Field(examples=[41])
    interruptions: int = Field(examples=[70])
    cost_usd: float = Field(examples=[9.31])


class Row(Figures):
    key: str = Field(examples=["2026-11-30"])


class Stage(BaseModel):
    """ms after the caller's last word, of the turns of all calls in question."""

    stage: Literal["ears", "first_token", "first_sound", "heard", "over"]
    n: int = Field(examples=[2100])
    p50: int | None = Field(examples=[150])
    p90: int | None = Field(examples=[240])
    p95: int | None = Field(examples=[310])
    p99: int | None = Field(examples=[420])


class Stats(BaseModel):
    since: str = Field(alias="from", examples=["2026-11-23T00:00:00.000Z"])
    until: str = Field(alias="to", examples=["2026-11-30T10:00:00.000Z"])
    by: Literal["hour", "day", "agent", "number"]
    totals: Figures
    rows: list[Row]
    more: int = Field(description="Rows that are not shown: the smallest ones", examples=[0])
    stages: list[Stage]
