"""The course of a conversation: what is wanted, what is known of it, and what to do next.

Nothing is kept between rounds: the frame is worked out again from the messages, so any replica can take the next one.
Pure.
"""

from __future__ import annotations

from dataclasses import replace

from parley.agents.domain import Slot
from parley.text.telling import digits as read_out
from services.llm.local.dialogue import corrections, courtesy, failing, replies
from services.llm.local.dialogue.frame import Act, Call, Frame, Look, Say
from services.llm.local.understanding import digits, doubt, slots
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.understanding import Meaning


def plan(frame: Frame, said: str, meaning: Meaning, domain: Domain) -> tuple[Frame, list[Act]]:
    """All that is to do now. Of two wishes in one sentence, what can be done at once goes first, a question last.

    Two that both need the caller to say more are taken one at a time, and that is said.
    """
    frame, acts = _planned(replace(frame, beside=()), said, meaning, domain)
    return (frame if meaning.move == "understood" else replace(frame, said=said)), acts


def _planned(frame: Frame, said: str, meaning: Meaning, domain: Domain) -> tuple[Frame, list[Act]]:
    if not meaning.wishes or frame.waiting or frame.confirming:
        frame, act = step(frame, meaning, domain)
        return frame, [replace(act, question=said) if isinstance(act, Look) else act]
    wishes = sorted(meaning.wishes, key=lambda wish: _patience(step(frame, wish, domain)[1], domain))
    acts: list[Act] = []
    for wish in wishes:
        after, act = step(frame, wish, domain)
        act = replace(act, question=wish.text) if isinstance(act, Look) else act
        if isinstance(act, Say) and acts and isinstance(acts[-1], Say):
            return frame, [Say(f"{domain.says.one_at_a_time} {acts[-1].text}")]
        beside = tuple(done.intent for done in acts if isinstance(done, Call))
        frame = replace(after, beside=beside)
        acts.append(act)
    return frame, acts


def _patience(act: Act, domain: Domain) -> int:
    """Which of two comes later: a tool that needs a value, since that may be corrected, and last of all a question."""
    match act:
        case Look():
            return 0
        case Call(intent=intent):
            return 2 if domain.intents[intent].needs else 1
    return 3


def step(frame: Frame, meaning: Meaning, domain: Domain) -> tuple[Frame, Act]:
    """What one sentence or clause asks for. A question for knowledge may lean on the one before."""
    after, act = _stepped(frame, meaning, domain)
    if not isinstance(act, Look):
        return after, act
    language, fallback = domain.language, domain.agent.domain.fallback
    answered = frame.heard not in (fallback, language.does_not_know(fallback))
    if frame.topic and answered and meaning.by != "pattern" and not act.off_topic and language.leans(meaning.text):
        return after, replace(act, topic=frame.topic, topic_intent=frame.topic_intent)
    return replace(after, topic=meaning.text, topic_intent=act.intent), act


def _stepped(frame: Frame, meaning: Meaning, domain: Domain) -> tuple[Frame, Act]:
    if put_right := corrections.of_part(frame, meaning, domain):
        return _go(replace(frame, slots={**frame.slots, **put_right}), frame.intent, put_right, domain)
    asked = frame
    kept = {name: value for name, value in frame.slots.items() if name not in meaning.misplaced}
    frame = replace(frame, doubted="", doubted_slots={}, offer=None, slots=kept)
    offer = asked.offer if asked.offer is not None and _was_put(asked.offer.question, asked.heard) else None
    if offer is not None and (meaning.move == "yes" or meaning.intent == offer.intent):
        return _go(frame, offer.intent, {**offer.slots, **meaning.slots}, domain)
    if doubt.was_asked(asked.doubted, asked.heard, domain) and (answered := _meant(asked, meaning, domain)):
        return answered
    if frame.confirming and (answered := _confirmed(frame, meaning, domain)):
        return answered
    if frame.waiting and (answered := _told(frame, meaning, domain)):
        return answered
    correction = corrections.of_value(frame, meaning, domain)
    if not correction and _left(frame, meaning, domain):
        return frame, Say(domain.says.left)
    if not correction and _declined(frame, meaning, domain):
        return frame, Say(domain.says.all_right)
    if meaning.move in ("repeat", "unsure", "slower", "understood", "torn", "unfinished") and meaning.by != "pattern":
        return _general(frame, meaning, domain)
    if correction:
        # "no, on pump two", "what about october": all else is as it was
        again = frame.tried if domain.language.goes_on(meaning.text) else {}
        before = {n: v for n, v in again.items() if n in domain.mentions[frame.intent] - meaning.misplaced}
        return _go(replace(frame, slots={**before, **frame.slots}), frame.intent, {**before, **correction}, domain)
    if meaning.intent:
        frame = replace(frame, slots={}) if domain.language.means_another(meaning.text) else frame
        after, act = _go(frame, meaning.intent, meaning.slots, domain)
        return after, _acknowledged(act, domain.intents[meaning.intent].acknowledge)
    if meaning.maybe and (doubted := _in_doubt(asked, frame, meaning, domain)):
        return doubted
    return _general(frame, meaning, domain)


def _was_put(question: str, heard: str) -> bool:
    """Whether the bot's last words, as the caller heard them, asked this; most of the question is enough."""
    return any(heard.endswith(question[:size]) for size in range(len(question) // 2 + 1, len(question) + 1))


def _acknowledged(act: Act, words: str) -> Act:
    match act:
        case Call() if words:
            return replace(act, first=words)
        case Say(text) if words:
            return Say(f"{words} {text}")
    return act


def _meant(frame: Frame, meaning: Meaning, domain: Domain) -> tuple[Frame, Act] | None:
    """The answer to the question what was meant; None if it is no answer."""
    after = replace(frame, doubted="", doubted_slots={})
    if meaning.move == "yes":
        return _go(after, frame.doubted, frame.doubted_slots, domain)
    if meaning.move == "no" or (domain.language.refuses(meaning.text) and domain.ends_call(meaning.intent)):
        return after, Say(failing.fallback(after, False, domain))
    return None


def _in_doubt(before: Frame, frame: Frame, meaning: Meaning, domain: Domain) -> tuple[Frame, Act] | None:
    """Asks back before anything is done; what is spoken of already needs no question, and none is asked twice."""
    intent = meaning.maybe
    values = {n: v for n, v in meaning.slots.items() if n in domain.mentions[intent]}
    if domain.is_question(intent):
        return frame, Look(True, doubted=True, intent=intent, unknown=meaning.unknown)
    if intent == frame.intent and not meaning.strangers and not frame.waiting:
        return _go(frame, intent, values, domain)
    if intent == frame.intent or (intent == before.doubted and doubt.was_asked(intent, before.heard, domain)):
        return None
    return replace(frame, doubted=intent, doubted_slots=values), Say(doubt.question(intent, domain))


def _left(frame: Frame, meaning: Meaning, domain: Domain) -> bool:
    """A no to what was read back: the mind has understood it, and nothing is done."""
    asked = frame.heard.endswith("?") and not domain.language.offers_more(frame.heard)
    refuses = meaning.move == "no" or domain.language.refuses(meaning.text)
    return frame.declined and asked and refuses and (not meaning.intent or domain.ends_call(meaning.intent))


def _declined(frame: Frame, meaning: Meaning, domain: Domain) -> bool:
    """A no to what the bot asked or offered. It hangs up only on who wants nothing else: "no thanks" alone may not."""
    if meaning.move in ("yes", "torn", "misunderstood") or not domain.language.refuses(meaning.text):
        return False
    if domain.language.offers_more(frame.heard):
        return False
    asked = frame.heard.endswith("?") and not frame.waiting
    return domain.ends_call(meaning.intent) or (asked and not meaning.intent)


def _go(frame: Frame, intent: str, said: dict[str, str], domain: Domain) -> tuple[Frame, Act]:
    """Do what is wanted, or ask for what it needs. Values said earlier in the call still count."""
    wanted = domain.intents[intent]
    frame = replace(frame, intent=intent, waiting="", partial="", confirming=False)
    broken = {n: v for n, v in said.items() if n in domain.slots and not slots.fits(domain.slots[n], v)}
    frame = replace(frame, slots={**frame.slots, **{n: v for n, v in said.items() if n not in broken}})
    if not wanted.tool:
        return frame, Say(wanted.say) if wanted.say else Look(True, intent=intent)
    for name in wanted.needs:
        if name in broken:
            return _ask_rest(replace(frame, slots=_without(frame.slots, name)), name, broken[name], domain)
        if name not in frame.slots and domain.slots[name].kind != "sentence":
            return replace(frame, waiting=name), Say(domain.slots[name].ask)
    given = {n: v for n, v in frame.slots.items() if n in wanted.needs or n in said}
    if wanted.confirm:
        return replace(frame, confirming=True), Say(_filled(wanted.confirm, given, domain))
    return frame, Call(intent, given)


def _confirmed(frame: Frame, meaning: Meaning, domain: Domain) -> tuple[Frame, Act] | None:
    wanted = domain.intents[frame.intent]
    given = {n: v for n, v in frame.slots.items() if n in domain.mentions[frame.intent]}
    if meaning.move == "yes":
        return replace(frame, confirming=False), Call(frame.intent, given)
    if correction := corrections.of_value(frame, meaning, domain):
        return _go(frame, frame.intent, correction, domain)
    if meaning.move == "no":
        return replace(frame, confirming=False, intent=""), Say(domain.says.all_right)
    if (meaning.intent and meaning.intent != frame.intent) or meaning.move not in ("", "no", "hello", "thanks"):
        return None
    return frame, Say(_filled(wanted.confirm, given, domain))


def _told(frame: Frame, meaning: Meaning, domain: Domain) -> tuple[Frame, Act] | None:
    """The answer to the question for a slot; None if the caller speaks of something else."""
    slot = domain.slots[frame.waiting]
    elsewhere = meaning.by == "pattern" and meaning.intent != frame.intent and frame.waiting not in meaning.slots
    elsewhere = elsewhere and not replies.is_the_answer(slot, meaning, domain)
    move = "" if slot.kind == "text" and meaning.move in replies.REMARKS else meaning.move
    if meaning.move in ("unsure", "no", "nothing") and slot.otherwise:
        return _go(frame, frame.intent, {frame.waiting: slot.otherwise}, domain)
    if meaning.move in ("unsure", "no"):
        without = domain.says.no_number if slot.kind == "digits" else domain.says.without
        return replace(frame, waiting="", partial="", intent=""), Say(without)
    if meaning.move == "wait":
        return frame, Say(domain.says.take_your_time)
    if elsewhere or move or (slot.kind == "name" and replies.is_no_name(meaning.text, domain)):
        return None
    found = slots.answer(slot, meaning.text)
    if not found and slots.is_part(slot, meaning.text):
        return frame, Say(failing.not_whole(frame, slot.ask, domain))
    if slot.kind == "digits" and not slots.fits(slot, found):
        if hole := digits.with_hole(meaning.text, slot.length):
            return replace(frame, partial=hole), Say(courtesy.so_far(hole, domain))
        placed = digits.put_in(frame.partial, meaning.text)
        if not placed and frame.partial and (missing := digits.left_out(meaning.text)):
            asked = domain.says.where.format(digit=read_out(missing, domain.agent.language))
            return replace(frame, partial=""), Say(asked)
        found = _completed(frame.partial, found, placed, slot)
    if not found:
        return None
    if not slots.fits(slot, found) and meaning.strangers:
        return None  # "I have two cats"
    if not slots.fits(slot, found):
        return _ask_rest(frame, frame.waiting, found, domain)
    return _go(frame, frame.intent, {**replies.said_with(frame, meaning, domain), frame.waiting: found}, domain)


def _ask_rest(frame: Frame, name: str, part: str, domain: Domain) -> tuple[Frame, Act]:
    """Digits of the wrong length: too few may go on, too many start again."""
    slot = domain.slots[name]
    if len(part) < slot.length:
        return replace(frame, waiting=name, partial=part), Say(courtesy.so_far(part, domain))
    said = domain.says.heard.format(said=read_out(part, domain.agent.language))
    return replace(frame, waiting=name, partial=""), Say(failing.wrong_length(frame, said, slot.ask, domain))


def _completed(partial: str, found: str, placed: str, slot: Slot) -> str:
    """A number of which a part was heard before: with the digit in its place, or what was said now behind it."""
    if digits.HOLE in partial:
        return partial.replace(digits.HOLE, found) if len(found) == 1 else found
    return next((whole for whole in (placed, partial + found) if slots.fits(slot, whole)), found)


def _general(frame: Frame, meaning: Meaning, domain: Domain) -> tuple[Frame, Act]:
    """Moves that any conversation has, and what is left: a question for knowledge."""
    human, more = domain.human, domain.language.offers_more(frame.heard)
    if words := courtesy.words_for(frame, meaning.move, domain):
        return frame, Say(words)
    match meaning.move:
        case "goodbye":
            return _end(frame, domain)
        case "human":
            return _go(frame, human, {}, domain) if human else (frame, Say(domain.says.nobody))
        case "yes" if human and domain.language.offers_human(frame.heard):
            return _go(frame, human, {}, domain)
        case "yes" if frame.waiting:
            return frame, Say(domain.slots[frame.waiting].ask)
        case "yes" if frame.heard and not frame.heard.endswith("?"):
            return frame, Say(domain.says.what_else)
        case "yes":
            return frame, Say(domain.says.what_can_i_do)
        case "no" if more:
            return _end(frame, domain)
        case "no" | "unsure":
            return frame, Say(domain.says.all_right)
    return frame, Look(False, meaning.off_topic, unknown=meaning.unknown)


def _end(frame: Frame, domain: Domain) -> tuple[Frame, Act]:
    """Hang up by the agent's own intent for it, if it has one."""
    ending = next(filter(domain.ends_call, domain.intents), "")
    return _go(frame, ending, {}, domain) if ending else (frame, Say(domain.says.goodbye))


def _filled(template: str, values: dict[str, str], domain: Domain) -> str:
    """A sentence of the agent with slots in braces; digits are said one by one."""
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", courtesy.spoken(name, value, domain))
    return template


def _without(values: dict[str, str], name: str) -> dict[str, str]:
    return {n: v for n, v in values.items() if n != name}
