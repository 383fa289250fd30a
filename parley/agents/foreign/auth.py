"""How a tool proves who it is to the service behind it. A file names secrets; it never holds one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from parley.agents.strict import Strict

SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
"""Set as PARLEY_SECRET_<NAME>, or as a file <NAME> in PARLEY_SECRETS_DIR: parley/secrets.py."""


class SecretRef(Strict):
    """`{secret: CRM_TOKEN}` where a value may be a secret one."""

    secret: SecretName


class Auth(Strict):
    """`bearer`: Authorization: Bearer <secret>. `basic`: the secret is `user:password`. `header`, `query`: the secret
    in the header or query parameter `name`.
    """

    type: Literal["bearer", "basic", "header", "query"] = "bearer"
    secret: SecretName
    name: str = Field("", pattern=r"^[A-Za-z0-9_.-]{0,64}$")

    @model_validator(mode="after")
    def _named(self) -> Auth:
        if self.type in ("header", "query") and not self.name:
            raise ValueError(f"name: missing; say which {self.type} carries the secret")
        if self.type in ("bearer", "basic") and self.name:
            raise ValueError(f"name: is for type header or query; {self.type} goes into Authorization")
        return self
