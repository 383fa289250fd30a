"""What came of the conversations, on paper and for machines: lines, JSON, JUnit XML. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any
from xml.etree import ElementTree

from testbed.eval.trials import Trial


@dataclass(frozen=True)
class Session:
    """All trials of one version of an agent. `how`: `text`, `processes` or `voice`. `vendor`: its language model is a
    vendor's, so that latency in text means something. `at_least`: the share of a conversation's runs that must pass."""

    agent: str
    version: str
    engine: str
    how: str
    vendor: bool
    trials: Sequence[Trial]
    at_least: float = 1.0

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(trial.conversation for trial in self.trials))

    def of(self, name: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.conversation == name]

    def rate(self, name: str) -> float:
        of = self.of(name)
        return sum(trial.passed for trial in of) / len(of)

    def passes(self, name: str) -> bool:
        return self.rate(name) >= self.at_least - 1e-9

    @property
    def status(self) -> int:
        """Of the command: 0 all passed, 1 some failed, 2 some could not be held."""
        wrong = [name for name in self.names if not self.passes(name)]
        if any(trial.failures for name in wrong for trial in self.of(name)):
            return 1
        return 2 if wrong else 0

    @property
    def first_word_ms(self) -> list[float]:
        return [
            exchange.first_word_ms
            for trial in self.trials
            for exchange in trial.course.exchanges
            if exchange.first_word_ms is not None
        ]

    @property
    def dollars(self) -> float:
        return sum(trial.course.dollars for trial in self.trials)


def lines(session: Session, show: bool = False) -> Iterator[str]:
    """The report. `show`: transcripts of those that passed, too."""
    runs = max((len(session.of(name)) for name in session.names), default=0)
    yield f"{session.agent} {session.version}, {session.how}, language model {session.engine}"
    for name in session.names:
        of = session.of(name)
        seconds = sum(trial.seconds for trial in of) / len(of)
        rate = f"  {sum(trial.passed for trial in of)} of {len(of)}" if runs > 1 else ""
        state = "ok  " if session.passes(name) else "FAIL" if any(t.failures for t in of) else "----"
        yield f"  {state}  {name}{rate}  ({seconds:.2f} s)"
        for trial in of if show else [trial for trial in of if not trial.passed]:
            yield from (f"        {line}" for line in told(trial, runs))
    yield from summary(session)


def told(trial: Trial, runs: int = 1) -> Iterator[str]:
    """Why a trial did not pass, and how it went."""
    if runs > 1:
        yield f"run {trial.run}:"
    if trial.error:
        yield f"could not be run: {trial.error}"
        return
    yield from (f"- {failure}" for failure in trial.failures)
    yield from (f"  | {line}" for line in trial.course.transcript())


def summary(session: Session) -> Iterator[str]:
    passed = sum(session.passes(name) for name in session.names)
    runs = sum(trial.passed for trial in session.trials)
    yield f"{passed} of {len(session.names)} conversations passed, {runs} of {len(session.trials)} runs"
    if session.first_word_ms and (session.vendor or session.how == "voice"):
        p50, p95 = _percentiles(session.first_word_ms)
        yield f"first word after {p50:.0f} ms (p50), {p95:.0f} ms (p95)"
    elif session.first_word_ms:
        yield "latency: typed, with an engine of this machine, it says nothing of a call; use --voice"
    tokens = sum(trial.course.input_tokens + trial.course.output_tokens for trial in session.trials)
    if session.vendor:
        yield f"cost {session.dollars:.4f} $ by the engines' list prices, {tokens} tokens; without judges and personas"


def comparison(now: Session, before: Session) -> Iterator[str]:
    """Both versions, conversation by conversation."""
    yield f"{now.agent}: {before.version} (against) and {now.version} (now)"
    for name in now.names:
        if not before.of(name):
            continue
        was, is_ = before.rate(name), now.rate(name)
        mark = "better" if is_ > was else "WORSE " if is_ < was else "same  "
        yield f"  {mark}  {name}  {was:.0%} -> {is_:.0%}"
    if now.vendor or now.how == "voice":
        for what, of_each in (("first word p50, ms", _p50), ("cost, $", lambda session: session.dollars)):
            yield f"  {what}: {of_each(before):.4g} -> {of_each(now):.4g}"


def as_json(session: Session, before: Session | None = None) -> dict[str, Any]:
    """Everything, transcripts too: it holds what was said."""
    told_of: dict[str, Any] = {
        "agent": session.agent,
        "version": session.version,
        "how": session.how,
        "engine": session.engine,
        "status": session.status,
        "conversations": [
            {
                "name": name,
                "passed": session.passes(name),
                "pass_rate": session.rate(name),
                "runs": [_trial(trial) for trial in session.of(name)],
            }
            for name in session.names
        ],
        "dollars": session.dollars,
    }
    if session.first_word_ms:
        p50, p95 = _percentiles(session.first_word_ms)
        means = session.vendor or session.how == "voice"
        told_of["first_word_ms"] = {"p50": round(p50, 1), "p95": round(p95, 1), "as_in_a_call": means}
    if before is not None:
        told_of["against"] = as_json(before)
    return told_of


def _trial(trial: Trial) -> dict[str, Any]:
    course = trial.course
    return {
        "run": trial.run,
        "passed": trial.passed,
        "seconds": round(trial.seconds, 3),
        "failures": [str(failure) for failure in trial.failures],
        "error": trial.error,
        "outcome": course.outcome,
        "level": course.level,
        "tools": [{"name": r.name, "arguments": dict(r.arguments), "status": r.status} for r in course.ran],
        "input_tokens": course.input_tokens,
        "output_tokens": course.output_tokens,
        "dollars": course.dollars,
        "transcript": course.transcript(),
    }


def as_junit(session: Session) -> bytes:
    """One test case per run, as CI systems read it."""
    suite = ElementTree.Element("testsuite", name=f"parley eval {session.agent}", tests=str(len(session.trials)))
    suite.set("failures", str(sum(bool(trial.failures) for trial in session.trials)))
    suite.set("errors", str(sum(bool(trial.error) for trial in session.trials)))
    suite.set("time", f"{sum(trial.seconds for trial in session.trials):.3f}")
    for trial in session.trials:
        runs = len(session.of(trial.conversation))
        name = f"{trial.conversation} [{trial.run}]" if runs > 1 else trial.conversation
        case = ElementTree.SubElement(
            suite, "testcase", classname=session.agent, name=name, time=f"{trial.seconds:.3f}"
        )
        if trial.error:
            ElementTree.SubElement(case, "error", message=_xml(trial.error))
        elif trial.failures:
            failure = ElementTree.SubElement(case, "failure", message=_xml(str(trial.failures[0])))
            failure.text = _xml("\n".join(told(trial)))
        ElementTree.SubElement(case, "system-out").text = _xml("\n".join(trial.course.transcript()))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data


def _xml(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(char for char in text if char in "\n\t" or (char >= " " and char not in "\ufffe\uffff"))


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    cuts = quantiles(values, n=20, method="inclusive")
    return cuts[9], cuts[18]


def _p50(session: Session) -> float:
    return _percentiles(session.first_word_ms)[0] if session.first_word_ms else 0.0
