"""How a receiver knows that a message is ours and new: Standard Webhooks, symmetric (standardwebhooks.com). Pure.

webhook-id: msg_...                the same each time the message is sent
webhook-timestamp: 1764000000      seconds since 1970, of this sending
webhook-signature: v1,<base64>     HMAC-SHA256 of "<id>.<timestamp>.<body>" with the bytes of the secret
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """`whsec_` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, at_s: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.new(key, f"{message_id}.{at_s}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def headers(secret: str, message_id: str, at_s: int, body: bytes) -> Mapping[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": signature(secret, message_id, at_s, body),
    }
