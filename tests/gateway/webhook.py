"""The webhook asked alone, as the carrier asks it, and its answer as the carrier reads it."""

from __future__ import annotations

from xml.etree import ElementTree

from testbed.telephone import twiml
from testbed.telephone.carrier import Webhooks
from testbed.telephone.front import Front


async def ask_webhook(base_url: str, call_sid: str = "CA1", query: str = "", **form: str) -> str:
    """The TwiML the webhook answers with."""
    fields = {"CallSid": call_sid, "From": "+15550100", "To": "+15550199", **form}
    webhooks = Webhooks(Front(base_url, ""), "")
    try:
        return await webhooks.ask(f"{base_url}/twilio-webhook{query}", fields)
    finally:
        await webhooks.close()


def words(document: str) -> list[str]:
    """The names of its verbs."""
    return [verb.tag for verb in ElementTree.fromstring(document)]


def stream_of(document: str) -> tuple[str, dict[str, str]]:
    """URL and parameters of `<Connect><Stream>`."""
    (stream,) = (verb for verb in twiml.parse(document) if isinstance(verb, twiml.Stream))
    return stream.url, dict(stream.parameters)


def way_back(document: str) -> str:
    """The query by which the carrier is to bring the call back."""
    (redirect,) = (verb for verb in twiml.parse(document) if isinstance(verb, twiml.Redirect))
    return "?" + redirect.url.partition("?")[2]
