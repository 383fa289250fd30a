"""Conversation messages ⇄ the events and effects of `step`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from parley.agents.agent import Agent
from parley.text import words
from parley.text.backchannels import backchannels_of
from parley.v1 import call_pb2, conversation_pb2, stt_pb2, tools_pb2
from services.orchestrator.mind import effects, events
from services.orchestrator.mind.actions import Shown, ToolLevel
from services.orchestrator.mind.asked_cards import CARD, CARD_CODE
from services.orchestrator.mind.policy import Policy, Specialist, ToolFillers, Variable
from services.orchestrator.mind.state import Epoch

_CHANNELS = {
    conversation_pb2.CHANNEL_PHONE: "phone",
    conversation_pb2.CHANNEL_BROWSER: "browser",
    conversation_pb2.CHANNEL_CHAT: "chat",
}
_TURN_KINDS = {
    stt_pb2.TurnEnded.KIND_EAGER: "eager",
    stt_pb2.TurnEnded.KIND_RESUMED: "resumed",
    stt_pb2.TurnEnded.KIND_CONFIRMED: "confirmed",
}
_SAY_KINDS = {
    "answer": conversation_pb2.Say.KIND_ANSWER,
    "filler": conversation_pb2.Say.KIND_FILLER,
    "notice": conversation_pb2.Say.KIND_NOTICE,
}
_EXPECT = {
    "": call_pb2.EXPECT_UNSPECIFIED,
    "free": call_pb2.EXPECT_FREE,
    "yes_no": call_pb2.EXPECT_YES_NO,
    "digits": call_pb2.EXPECT_DIGITS,
    "spelling": call_pb2.EXPECT_SPELLING,
    "button": call_pb2.EXPECT_BUTTON,
    "choice": call_pb2.EXPECT_CHOICE,
    "day": call_pb2.EXPECT_DAY,
    "time": call_pb2.EXPECT_TIME,
    "name": call_pb2.EXPECT_NAME,
    "amount": call_pb2.EXPECT_AMOUNT,
    CARD: call_pb2.EXPECT_CARD,
    CARD_CODE: call_pb2.EXPECT_CARD_CODE,
}
_PAUSE_CAUSES = {
    conversation_pb2.Paused.CAUSE_REFLEX: "reflex",
    conversation_pb2.Paused.CAUSE_SPEECH: "speech",
    conversation_pb2.Paused.CAUSE_BUTTON: "button",
}
_RESUME_CAUSES = {
    conversation_pb2.Resumed.CAUSE_TOLD: "told",
    conversation_pb2.Resumed.CAUSE_UNCONFIRMED: "unconfirmed",
    conversation_pb2.Resumed.CAUSE_LEASE: "lease",
    conversation_pb2.Resumed.CAUSE_SHORT: "short",
}

MAX_PLACES = 24  # of one `Progress`
MAX_ENGINE = 60  # characters of an engine's name


def epoch_of(message: call_pb2.Epoch) -> Epoch:
    return Epoch(message.leg, message.open)


def channel_of(message: conversation_pb2.Open) -> str:
    return _CHANNELS.get(message.channel, "phone")


def direction_of(message: conversation_pb2.Open) -> str:
    return "outbound" if message.direction == call_pb2.DIRECTION_OUTBOUND else "inbound"


_ORGANS = {
    conversation_pb2.Trouble.ORGAN_UNSPECIFIED: "carrier",  # from a gateway of the version before
    conversation_pb2.Trouble.ORGAN_EARS: "ears",
    conversation_pb2.Trouble.ORGAN_MOUTH: "mouth",
    conversation_pb2.Trouble.ORGAN_CARRIER: "carrier",
}


@dataclass(frozen=True, slots=True)
class Marked:
    """What `step` must know of tools: which change the world, which may take long, which want an identity level."""

    effects: tuple[str, ...]
    slow: tuple[str, ...]
    levels: tuple[ToolLevel, ...]

    @classmethod
    def of(cls, infos: Sequence[tools_pb2.ToolInfo]) -> Marked:
        effects = tuple(info.name for info in infos if info.effects)
        slow = tuple(info.name for info in infos if info.slow)
        return cls(effects, slow, tuple(ToolLevel(info.name, info.level) for info in infos if info.level))


def by_button(agent: Agent, channel: str) -> bool:
    """Whether its callers speak by button only. A telephone has none."""
    return agent.interruption.push_to_talk and channel != "phone"


def policy_of(agent: Agent, channel: str = "browser") -> Policy:
    """What `step` must know of an agent."""
    return Policy(
        greeting=agent.first_words,
        caller_first_ms=int(agent.opening.wait_s * 1000) if agent.caller_first else 0,
        variables=tuple(Variable(name, default) for name, default in agent.variables.items()),
        retrieve=agent.knowledge.retrieve == "always",
        retrieve_wait_ms=agent.knowledge.wait_ms,
        rounds=agent.limits.rounds,
        interrupt_ms=agent.interruption.min_speech_ms,
        interrupt_words=agent.interruption.min_words,
        wordless_ms=agent.interruption.wordless_ms,
        backchannels=agent.interruption.backchannels
        if agent.interruption.backchannels is not None
        else backchannels_of(agent.language),
        keys_interrupt=agent.interruption.keys,
        protect_greeting_ms=agent.interruption.protect_greeting_ms,
        push_to_talk=by_button(agent, channel),
        mute_during_effects=agent.interruption.mute_during_effects,
        yes=agent.confirmation.yes,
        no=agent.confirmation.no,
        unclear=agent.confirmation.unclear,
        must_hear=(*agent.must_hear, *agent.guardrails.must_say.must_hear),
        away_ms=int(agent.silence.prompt_after_s * 1000),
        away_prompts=agent.silence.prompts,
        goodbye=agent.silence.goodbye,
        ahead=agent.ahead.when,
        ahead_ms=agent.ahead.stable_ms,
        ahead_stability=agent.ahead.stability,
        ahead_words=agent.ahead.min_words,
        ahead_tries=agent.ahead.tries,
        filler_ms=agent.fillers.after_ms if agent.fillers.sentences else 0,
        fillers=agent.fillers.thinking,
        tool_filler_ms=agent.fillers.tool_after_ms,
        tool_fillers=agent.fillers.tools,
        fillers_of=tuple(ToolFillers(name, sentences) for name, sentences in agent.fillers.by_tool.items()),
        turn_ms=int(agent.limits.turn_s * 1000),
        call_ms=int(agent.limits.call_s * 1000),
        retry_ms=int(agent.limits.retry_s * 1000),
        trouble=agent.sentences.trouble,
        backend_down=agent.sentences.backend_down,
        unavailable=agent.sentences.unavailable,
        too_long=agent.sentences.too_long,
        not_heard=agent.sentences.not_heard,
        not_transferred=agent.sentences.not_transferred,
        time_is_up=agent.sentences.time_is_up,
        cut_off=agent.sentences.cut_off,
        level_ms=agent.identity.expires_s * 1000 if agent.identity is not None else 0,
        secret_tools=agent.secret_tools,
        payment=agent.payment,
        **agent.guardrails.must_say.sentences,
        specialists=tuple(Specialist(name, each.tools) for name, each in agent.specialists.items()),
        transfer_to=agent.transfer_to,
        escalation="" if agent.escalation.do == "notify" else agent.escalation.do,
        escalation_to=agent.escalation.to or agent.transfer_to,
        escalation_ask=agent.escalation.ask if agent.escalation.do == "offer" else "",
        escalation_say=agent.escalation.say,
    )


def session_of(
    agent: Agent, language: str, specialist: str = "", channel: str = "browser", asked: str = ""
) -> conversation_pb2.Session:
    """How the gateway is to listen and sound for this agent, or for one of its specialists. `asked`: what of a card the
    caller was asked for last."""
    own = each.voice if (each := agent.specialists.get(specialist)) is not None else None
    chosen = agent.voice.of | own.of if own is not None else agent.voice.of
    voices = [f"{engine}={voice}" for engine, voice in chosen.items() if voice]
    return conversation_pb2.Session(
        voice=";".join(voices),
        language=language,
        endpointing=stt_pb2.Endpointing(
            expect=call_pb2.EXPECT_BUTTON if by_button(agent, channel) else call_pb2.EXPECT_FREE,
            min_delay_ms=agent.endpointing.min_delay_ms,
            max_delay_ms=agent.endpointing.max_delay_ms,
            policy=agent.endpointing.policy,
            number_lengths=agent.number_lengths,
        ),
        keyterms=agent.keyterms,
        agent=agent.name,
        agent_version=agent.version,
        speed=own.speed if own is not None and "speed" in own.model_fields_set else agent.voice.speed,
        sentences=agent.fillers.sentences,
        payment=agent.payment,
        asking=_EXPECT[asked],
    )


def event_of(message: conversation_pb2.CallEvent, at_ms: int) -> events.Event | None:
    """One message of the gateway as an input of `step`. None for one this version does not know."""
    seq = message.seq
    match message.WhichOneof("event"):
        case "speech":
            return _speech(message, at_ms)
        case "utterance_started":
            return events.UtteranceStarted(at_ms=at_ms, utterance=message.utterance_started.utterance)
        case "heard":
            h = message.heard
            return events.Heard(
                at_ms=at_ms,
                seq=seq,
                utterance=h.utterance,
                chars=h.chars,
                complete=h.complete,
                cut=h.cut,
                text=h.text,
                failed=h.failed,
                engine=h.engine[:MAX_ENGINE],
            )
        case "progress":
            far = message.progress
            places, in_ms = tuple(far.places[:MAX_PLACES]), tuple(far.in_ms[:MAX_PLACES])
            return events.Progress(at_ms=at_ms, utterance=far.utterance, chars=far.chars, places=places, in_ms=in_ms)
        case "paused":
            p = message.paused
            cause = _PAUSE_CAUSES.get(p.cause, "speech")
            return events.Paused(at_ms=at_ms, utterance=p.utterance, chars=p.chars, cause=cause)
        case "resumed":
            r = message.resumed
            cause = _RESUME_CAUSES.get(r.cause, "told")
            return events.Resumed(at_ms=at_ms, utterance=r.utterance, chars=r.chars, cause=cause)
        case "dtmf":
            return events.Dtmf(at_ms=at_ms, seq=seq, digit=message.dtmf.digit)
        case "button":
            return events.Button(at_ms=at_ms, seq=seq, pressed=message.button.pressed)
        case "push_to_talk":
            return events.PushToTalk(at_ms=at_ms, on=message.push_to_talk.on)
        case "typed":
            return events.Typed(at_ms=at_ms, seq=seq, text=message.typed.text)
        case "leg":
            return _leg(message.leg, at_ms, seq)
        case "trouble":
            t = message.trouble
            if (organ := _ORGANS.get(t.organ)) is None:
                return None
            return events.OrganFailed(at_ms=at_ms, organ=organ, utterance=t.utterance, message=t.message)
    return None


def _speech(message: conversation_pb2.CallEvent, at_ms: int) -> events.Event | None:
    speech, seq, leg_ms, own = message.speech, message.seq, message.leg_ms, message.own
    match speech.WhichOneof("event"):
        case "speech_started":
            return events.SpeechStarted(at_ms=at_ms)
        case "interim":
            i = speech.interim
            return events.Interim(
                at_ms=at_ms,
                text=i.text,
                stability=i.stability,
                turn=speech.turn,
                start_ms=i.start_ms,
                end_ms=i.end_ms,
                leg_ms=leg_ms,
                beside_echo=message.HasField("own"),
                own_from_ms=own.from_ms,
                own_to_ms=own.to_ms,
            )
        case "final":
            f = speech.final
            return events.Final(
                at_ms=at_ms,
                seq=seq,
                text=f.text,
                confidence=f.confidence,
                turn=speech.turn,
                start_ms=f.start_ms,
                end_ms=f.end_ms,
                leg_ms=leg_ms,
                beside_echo=message.HasField("own"),
                own_from_ms=own.from_ms,
                own_to_ms=own.to_ms,
                words_ms=_words_ms(f) if message.HasField("own") else (),
                engine=f.engine[:MAX_ENGINE],
            )
        case "speech_stopped":
            return events.SpeechStopped(at_ms=at_ms)
        case "turn_ended":
            ended = speech.turn_ended
            kind = _TURN_KINDS.get(ended.kind, "confirmed")
            return events.TurnEnded(
                at_ms=at_ms, seq=seq, kind=kind, text=ended.text, confidence=ended.confidence, turn=speech.turn
            )
    return None


def _words_ms(final: stt_pb2.Final) -> tuple[int, ...]:
    """Begin and end of each word of its text; empty where the recogniser does not say, or counts words otherwise."""
    found = [(word.start_ms, word.end_ms) for word in final.words for _ in range(words.count(word.text))]
    return tuple(chain(*found)) if len(found) == words.count(final.text) else ()


def _leg(message: conversation_pb2.Leg, at_ms: int, seq: int) -> events.Event:
    match message.kind:
        case conversation_pb2.Leg.KIND_LOST:
            return events.LegLost(at_ms=at_ms, seq=seq, reason=message.reason)
    return events.LegEnded(at_ms=at_ms, seq=seq, reason=message.reason)


def news_of(intent: int, news: str | Shown, at_ms: int) -> events.Event:
    """What a tool tells or shows while it works, as an input of `step`."""
    if isinstance(news, str):
        return events.ToolProgress(at_ms=at_ms, intent=intent, text=news)
    return events.ToolShow(at_ms=at_ms, intent=intent, name=news.name, value_pii=news.value_pii)


def command_of(effect: effects.Effect) -> conversation_pb2.CallCommand | None:
    """An effect that the gateway carries out; None for one that the conductor does."""
    match effect:
        case effects.Say():
            say = conversation_pb2.Say(
                utterance=effect.utterance,
                kind=_SAY_KINDS[effect.kind],
                interruptible=effect.interruptible,
                expect=_EXPECT[effect.expect],
                text=effect.text,
                complete=effect.complete,
                protect_ms=effect.protect_ms,
                once=effect.once,
            )
            return conversation_pb2.CallCommand(turn=effect.turn, say=say)
        case effects.Stop():
            stop = conversation_pb2.Stop(expect=_EXPECT[effect.expect])
            return conversation_pb2.CallCommand(turn=effect.turn, stop=stop)
        case effects.Resume():
            return conversation_pb2.CallCommand(turn=effect.turn, resume=conversation_pb2.Resume())
        case effects.Show():
            show = conversation_pb2.Show(name=effect.name, json=effect.value_pii, again=effect.again)
            return conversation_pb2.CallCommand(show=show)
        case effects.Transfer():
            transfer = conversation_pb2.Transfer(to=effect.to, reason=effect.reason)
            return conversation_pb2.CallCommand(transfer=transfer)
        case effects.HangUp():
            return conversation_pb2.CallCommand(hang_up=conversation_pb2.HangUp(reason=effect.reason))
    return None
