"""A call on paper: two bars over time, who said what, and the latencies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from cli.calling.timeline import Exchange, Said, picture
from testbed.telephone.phone import Call

_ENDS = {
    "caller": "the caller hung up",
    "bot": "the bot hung up",
    "rest": "the carrier ended it",
    "end of TwiML": "nothing was left to do",
    "failed": "it failed",
}


def report(call: Call, caller: Sequence[Said], bot: Sequence[Said], found: Sequence[Exchange]) -> Iterator[str]:
    """The lines to print."""
    yield ""
    yield from picture(call, caller)
    yield ""
    by_start = {exchange.caller.start: exchange for exchange in found}
    for said in sorted(chain(caller, bot), key=lambda each: each.start):
        words = f'"{said.words.strip()}"' if said.words.strip() else ""
        yield f"{said.start:7.2f} - {said.end:6.2f}  {said.who:<6}  {words}{' (cut off)' if said.cut else ''}".rstrip()
        if said.who == "caller":
            yield from (f"{'':18}{line}" for line in _latencies(by_start[said.start]))
    yield from (f'{"":18}carrier says "{text}"' for text in call.announced)
    yield from (f"{'':18}connected to {number}" for number in call.dialled)
    yield f"{call.ended_at - call.born:7.2f}           {_ENDS.get(call.ended_by, call.ended_by)}"
    if gaps := call.heard.gaps():
        yield f"gaps    {len(gaps)} in the bot's sound, the longest {max(length for _, length in gaps):.0f} ms"
    yield from (f"carrier warning {warned.code}: {warned.text}" for warned in call.warnings)


def _latencies(exchange: Exchange) -> Iterator[str]:
    """From outside, then what the gateway tells of the stages."""
    if exchange.silent is not None:
        if exchange.cleared is None:
            yield f"interrupts; the bot spoke on for {_ms(exchange.silent)}"
        else:
            yield f"interrupts: clear after {_ms(exchange.cleared)}, silence after {_ms(exchange.silent)}"
    if exchange.answer is None:
        yield "no answer"
        return
    stages = [
        f"{name} {_ms(at)}"
        for name, at in (
            ("recognised", exchange.recognised),
            ("probably over", exchange.eager),
            ("turn ended", exchange.ended),
            ("first token", exchange.token),
            ("first words", exchange.words),
            ("first audio sent", exchange.voiced),
            ("heard", exchange.heard),
        )
        if at is not None
    ]
    inside = f" ({', '.join(stages)})" if stages else ""
    yield f"answered after {_ms(exchange.answer)}{inside}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
