"""TwiML, as far as a telephone call with a media stream needs it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from parley.errors import BadInput


@dataclass(frozen=True)
class Stream:
    """`<Connect><Stream>`. `action`: where the carrier turns when the stream is over, else to the next verb."""

    url: str
    name: str = ""
    track: str = "inbound_track"
    parameters: tuple[tuple[str, str], ...] = ()
    action: str = ""


@dataclass(frozen=True)
class Redirect:
    url: str


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Dial:
    """`to`: a number, or `conference:<room>`."""

    to: str
    action: str = ""


@dataclass(frozen=True)
class Hangup:
    """Also `<Reject>`."""


@dataclass(frozen=True)
class Unknown:
    """A verb that this carrier does not carry out."""

    name: str


Verb = Stream | Redirect | Say | Pause | Dial | Hangup | Unknown


def parse(document: str) -> list[Verb]:
    """The verbs of a document, in order. Raises BadInput: not XML, or not a `<Response>`."""
    try:
        root = ElementTree.fromstring(document.strip())  # noqa: S314 - of the gateway that is tried
    except ElementTree.ParseError as error:
        raise BadInput(f"TwiML is not XML ({error})") from error
    if root.tag != "Response":
        raise BadInput(f"TwiML must be a <Response>, not <{root.tag}>")
    return [_verb(element) for element in root]


def _verb(element: ElementTree.Element) -> Verb:
    text = (element.text or "").strip()
    match element.tag:
        case "Connect":
            return _connect(element)
        case "Redirect":
            return Redirect(text)
        case "Say":
            return Say(" ".join("".join(element.itertext()).split()))
        case "Pause":
            return Pause(_seconds(element.get("length", "1")))
        case "Dial":
            return _dial(element)
        case "Hangup" | "Reject":
            return Hangup()
    return Unknown(element.tag)


def _connect(element: ElementTree.Element) -> Verb:
    stream = element.find("Stream")
    if stream is None:
        return Unknown("Connect")
    given = tuple((each.get("name", ""), each.get("value", "")) for each in stream.findall("Parameter"))
    return Stream(
        stream.get("url", ""),
        stream.get("name", ""),
        stream.get("track", "inbound_track"),
        given,
        element.get("action", ""),
    )


def _dial(element: ElementTree.Element) -> Dial:
    action = element.get("action", "")
    if (number := element.find("Number")) is not None:
        return Dial((number.text or "").strip(), action)
    if (room := element.find("Conference")) is not None:
        return Dial(f"conference:{(room.text or '').strip()}", action)
    return Dial((element.text or "").strip(), action)


def _seconds(length: str) -> float:
    try:
        return float(length)
    except ValueError:
        raise BadInput(f"<Pause length> must be a number of seconds: {length!r}") from None
