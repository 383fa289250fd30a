"""An agent's conversations, read from `agents/<name>/conversations/*.yaml` and checked."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from pydantic import ValidationError

from parley.agents.conversations.conversation import Conversation, ConversationFile
from parley.errors import Misconfigured
from parley.field_errors import told, yaml_told

FOLDER = "conversations"
MAX_FILE_BYTES = 1 << 20


class _Plain(yaml.SafeLoader):
    """YAML in which only true and false are truth values, and only plain numbers numbers: callers say "yes", "no",
    "0123", and give dates."""


_Plain.yaml_implicit_resolvers = {}
_Plain.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Plain.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
_Plain.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))
_Plain.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$"), list("-0123456789")
)


def conversations_of(agent_folder: Path) -> dict[str, Conversation]:
    """All of an agent's, by name, in the order of the files. Raises Misconfigured: file, field, line and remedy."""
    found: dict[str, Conversation] = {}
    where: dict[str, Path] = {}
    for path in sorted((agent_folder / FOLDER).glob("*.yaml")):
        for each in read(path):
            if each.name in found:
                raise Misconfigured(
                    f"{path}: two conversations are called {each.name!r}, the other is in {where[each.name].name}; "
                    "choose another name"
                )
            found[each.name], where[each.name] = each, path
    return found


def read(path: Path) -> tuple[Conversation, ...]:
    """The conversations of one file. Raises Misconfigured."""
    try:
        source = path.read_bytes()
        if len(source) > MAX_FILE_BYTES:
            raise Misconfigured(f"{path}: {len(source)} bytes; at most {MAX_FILE_BYTES}: use several files")
        text = source.decode()
        data = yaml.load(text, _Plain)  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError) as e:
        raise Misconfigured(f"{path}: cannot be read: {e}") from e
    except yaml.YAMLError as e:
        raise Misconfigured(f"{path}: {yaml_told(e)}") from e
    if not isinstance(data, dict):
        raise Misconfigured(f"{path}: expected a mapping with `conversations:` at the top (line 1)")
    try:
        return ConversationFile.model_validate(data).complete
    except ValidationError as e:
        raise Misconfigured(f"{path}: {told(e, text, ConversationFile)}") from None
