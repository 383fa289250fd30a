"""Every setting of Parley, in one place. Only a service's `__main__` reads the environment, through `Settings`.

An engine brings its own rows (`EngineSettings`). A secret may stand in a file (`parley.secret_files`). `docs/settings.md` is made from all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, JsonValue, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from parley.engines import engines_here, engines_of, named
from parley.errors import Misconfigured
from parley.secret_files import read_files

Stage = Literal["stt", "llm", "tts"]

LIVE: dict[str, JsonValue] = {"live": True}
"""Marks a setting that operators may change while calls go on (`parley.configuration`). New calls have what it says."""


class EngineSettings(BaseSettings):
    """Rows of the table that an engine brings. Read by `Settings.own`."""

    model_config = SettingsConfigDict(extra="ignore")


class VendorSettings(EngineSettings):
    """Those of a service of somebody else. The names of the variables are the ones of its own SDK."""

    api_key: SecretStr
    base_url: str

    @classmethod
    def variable(cls, field: str) -> str:
        """The name under which a field is set."""
        return cls.model_fields[field].alias or field

    def digest(self) -> str:
        """Tells accounts and regions apart, and gives nothing away."""
        return sha256(f"{self.base_url} {self.api_key.get_secret_value()}".encode()).hexdigest()[:12]


Rows = TypeVar("Rows", bound=BaseSettings)


def _read(rows: type[Rows], given: Mapping[str, object]) -> Rows:
    """The environment, with what is given before it. Raises Misconfigured naming each wrong variable."""
    given = {**given, **read_files(rows, given)}
    try:
        return rows(**given)  # type: ignore[arg-type]
    except ValidationError as e:
        lines = [f"{'.'.join(map(str, err['loc']))}: {err['msg']} (it is {err.get('input')!r})" for err in e.errors()]
        raise Misconfigured("; ".join(lines)) from None


class Settings(BaseSettings):
    """The environment, checked. Raises Misconfigured with one line per wrong variable (`Settings.read`)."""

    # Allowed: what is given by name for an engine's own rows, which `own` reads.
    model_config = SettingsConfigDict(extra="allow")

    # Which engines
    profile: Literal["", "local", "cloud"] = Field(
        "",
        alias="PARLEY_PROFILE",
        description="`local`: everything on this machine; `cloud`: vendors only; empty: the vendor whose key is set, else this machine",
        json_schema_extra=LIVE,
    )
    stt: str = Field("", alias="PARLEY_STT", description="Recognisers in order of preference", json_schema_extra=LIVE)
    llm: str = Field(
        "", alias="PARLEY_LLM", description="Language models in order of preference", json_schema_extra=LIVE
    )
    tts: str = Field(
        "",
        alias="PARLEY_TTS",
        description="Voices in order of preference",
        json_schema_extra=LIVE,
    )
    vad: Literal["silero", "off"] = Field(
        "silero",
        alias="PARLEY_VAD",
        description="Voice activity detection in stt; `off` relies on the recogniser's own",
    )

    turn_model: str = Field(
        "",
        alias="PARLEY_TURN_MODEL",
        description="ONNX file of a model that hears whether a turn is over, asked when silence begins (with a VAD): the last 8 s at 16 kHz as samples (1, 128000) or log-mel features (1, 80, 800), such as smart-turn v3; empty: none",
    )

    # Vendors
    llm_first_token_s: float = Field(
        4.0,
        alias="PARLEY_LLM_FIRST_TOKEN_S",
        gt=0,
        description="A model server that gives no word or tool call for so long is left for the next engine; more for servers that load a model first, or think aloud",
        json_schema_extra=LIVE,
    )
    llm_stall_s: float = Field(
        2.5,
        alias="PARLEY_LLM_STALL_S",
        gt=0,
        description="The same, between two words of an answer",
        json_schema_extra=LIVE,
    )
    tts_stall_s: float = Field(
        2.5,
        alias="PARLEY_TTS_STALL_S",
        gt=0,
        lt=4,
        description="A voice that owes sound and gives none for so long, the first or more, is left for the next engine; less than the 4 s after which the gateway leaves the replica. A lone engine that was slow before gets up to these 4 s",
        json_schema_extra=LIVE,
    )
    twilio_account_sid: str = Field(
        "", alias="TWILIO_ACCOUNT_SID", description="Twilio account, to end and transfer calls"
    )
    twilio_auth_token: SecretStr = Field(
        SecretStr(""),
        alias="TWILIO_AUTH_TOKEN",
        description="Twilio token; signatures are checked with it. Without it only calls from this machine are taken. Two tokens, comma-separated, during a rotation",
    )
    twilio_api_base_url: str = Field(
        "https://api.twilio.com", alias="TWILIO_API_BASE_URL", description="Twilio REST or a stand-in"
    )

    # The gateway
    gateway_host: str = Field("127.0.0.1", alias="PARLEY_GATEWAY_HOST", description="Address the gateway listens on")
    gateway_port: int = Field(
        8080, alias="PARLEY_GATEWAY_PORT", ge=0, le=65535, description="Port the gateway listens on; 0 picks a free one"
    )
    public_url: str = Field(
        "",
        alias="PARLEY_PUBLIC_URL",
        description="How Twilio reaches the gateway, `https://host`; signatures are checked against it. Empty: the request's own host",
    )
    call_linger_s: float = Field(
        30.0,
        alias="PARLEY_CALL_LINGER_S",
        ge=0,
        description="How long the state of an ended call is kept",
        json_schema_extra=LIVE,
    )
    max_reentries: int = Field(
        5,
        alias="PARLEY_MAX_REENTRIES",
        ge=0,
        description="How often in a row the carrier may bring a call back whose stream was lost within 15 s",
        json_schema_extra=LIVE,
    )

    # The operators' side
    backoffice_host: str = Field(
        "127.0.0.1", alias="PARLEY_BACKOFFICE_HOST", description="Address that backoffice (console, API) listens on"
    )
    console_url: str = Field(
        "",
        alias="PARLEY_CONSOLE_URL",
        description="Address of the console, which the gateway's page links to for who opens it on this machine; `parley run` sets it. Empty: no link",
    )
    backoffice_port: int = Field(
        8090, alias="PARLEY_BACKOFFICE_PORT", ge=0, le=65535, description="Port it listens on; 0 picks a free one"
    )
    backoffice_database_url: SecretStr = Field(
        SecretStr(""),
        alias="PARLEY_BACKOFFICE_DATABASE_URL",
        description="Database of backoffice: `postgresql://...`; empty: SQLite in the data folder (one replica)",
    )
    transcripts: Literal["mask", "keep", "encrypt"] = Field(
        "mask",
        alias="PARLEY_TRANSCRIPTS",
        description="Personal data in what backoffice keeps of what was said: `mask` (numbers of cards, documents, accounts, ... are replaced), `keep`, or `encrypt` (sealed in their places, for who has the right to see them)",
    )
    retention: str = Field(
        "",
        alias="PARLEY_RETENTION",
        description="How long backoffice keeps what, as in `transcripts 30 d, events 30 d, records 400 d, summaries 30 d, outcomes 400 d`; what is not named keeps these defaults. h, d, w, y",
    )
    backoffice_key: SecretStr = Field(
        SecretStr(""),
        alias="PARLEY_BACKOFFICE_KEY",
        description="32 bytes in base64 with which backoffice seals what it keeps of callers, and secrets; the same for all replicas, and kept apart from backups of the database. Empty: one that is made in the data folder (SQLite only)",
    )

    webhooks_private: bool = Field(
        False,
        alias="PARLEY_WEBHOOKS_PRIVATE",
        description="Webhooks may lead into private networks, and without TLS; whoever may add one can then reach what backoffice can",
    )
    webhooks_pii: Literal["mask", "keep"] = Field(
        "mask",
        alias="PARLEY_WEBHOOKS_PII",
        description="Personal data in what webhooks are told: `mask`, or `keep` it",
    )

    secret: SecretStr = Field(
        SecretStr(""),
        alias="PARLEY_SECRET",
        description="Signs the one-time tokens of media sockets; the same for all gateways. Empty: a random one per process",
    )

    # Who may, at the operators' side
    backoffice_url: str = Field(
        "",
        alias="PARLEY_BACKOFFICE_URL",
        description="How browsers reach the console, `https://console.example.com`; empty: as they ask. Without TLS nobody logs in but on this machine",
    )
    session_hours: float = Field(
        12.0, alias="PARLEY_SESSION_HOURS", gt=0, le=24 * 90, description="After so long people log in again"
    )
    session_idle_minutes: float = Field(
        30.0,
        alias="PARLEY_SESSION_IDLE_MINUTES",
        gt=0,
        le=60 * 24 * 90,
        description="Or after so long without a request; a page that only listens makes none",
    )
    oidc_issuer: str = Field(
        "",
        alias="PARLEY_OIDC_ISSUER",
        description="OpenID Connect provider where people log in, by its address; empty: local accounts (`parley user`)",
    )
    oidc_client_id: str = Field(
        "",
        alias="PARLEY_OIDC_CLIENT_ID",
        description="What the provider calls this installation; the redirect URI to enter there is the console's address with `/api/session/oidc/back`",
    )
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), alias="PARLEY_OIDC_CLIENT_SECRET", description="Its secret; empty: a public client (PKCE)"
    )
    oidc_name: str = Field("single sign-on", alias="PARLEY_OIDC_NAME", description="What people call the provider")
    oidc_role_claim: str = Field(
        "roles",
        alias="PARLEY_OIDC_ROLE_CLAIM",
        description="Claim of the token, or of userinfo, that says what a person may; dots for what is inside another: `realm_access.roles`",
    )
    oidc_roles: str = Field(
        "",
        alias="PARLEY_OIDC_ROLES",
        description="Which of its values stand for which role: `admin=parley-admins,supervisor=leads,viewer=*`, `*` for anybody; empty: they are called `viewer`, `supervisor`, `admin`. Who has none does not get in",
    )

    # How often one address may ask; 0: as often as it likes. Replicas count together
    trusted_proxies: str = Field(
        "",
        alias="PARLEY_TRUSTED_PROXIES",
        description="Addresses and networks of proxies in front, comma-separated, such as `10.0.0.0/8`: whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Empty: nobody's, and who comes through a proxy counts as the proxy",
    )
    door_per_s: float = Field(
        30.0,
        alias="PARLEY_DOOR_PER_S",
        json_schema_extra=LIVE,
        ge=0,
        description="Requests a second that a gateway takes from one address, of all its paths but webhooks with a good signature; a page's file counts as a twentieth. Here and in the next four 0 means no limit",
    )
    door_burst: float = Field(
        20.0, alias="PARLEY_DOOR_BURST", json_schema_extra=LIVE, ge=1, description="The same, at once after a rest"
    )
    sockets_per_s: float = Field(
        10.0,
        alias="PARLEY_SOCKETS_PER_S",
        json_schema_extra=LIVE,
        ge=0,
        description="New sockets a second from one address at the gateways",
    )
    sockets_open: int = Field(
        100,
        alias="PARLEY_SOCKETS_OPEN",
        json_schema_extra=LIVE,
        ge=0,
        description="Sockets that one address may hold open at the gateways",
    )
    api_per_minute: int = Field(
        200,
        alias="PARLEY_API_PER_MINUTE",
        json_schema_extra=LIVE,
        ge=0,
        description="Requests of one address to the API of backoffice in 60 s",
    )
    limit_local: bool = Field(
        False,
        alias="PARLEY_LIMIT_LOCAL",
        description="Limit programs of this machine, too: for a proxy on it that does not say for whom it asks",
    )

    # The agent
    agent: str = Field(
        "frontdesk",
        alias="PARLEY_AGENT",
        description="Which agent answers, unless the call names one",
        json_schema_extra=LIVE,
    )
    agents_dir: Path = Field(Path("agents"), alias="PARLEY_AGENTS_DIR", description="Folder of the agents")

    secrets_dir: Path | None = Field(
        None,
        alias="PARLEY_SECRETS_DIR",
        description="Folder with a file for each secret of agents' tools, named as in `auth`; one may also be set as `PARLEY_SECRET_<NAME>`",
    )

    config_key: SecretStr = Field(
        SecretStr(""),
        alias="PARLEY_CONFIG_KEY",
        description="Seals the secrets that are set live, such as vendors' keys, and opens them: for backoffice, the operator, and the services that use them (stt, llm, tts). Random characters, 32 or more; two, comma-separated, during a rotation. Empty: no secret can be set live",
    )

    # This process
    listen: str = Field(
        "127.0.0.1:0",
        alias="PARLEY_LISTEN",
        description="Address of the service's gRPC server, `host:port`; 0 picks a free port",
    )
    metrics_host: str = Field(
        "127.0.0.1", alias="PARLEY_METRICS_HOST", description="Address that `PARLEY_METRICS_PORT` is bound to"
    )
    metrics_port: int = Field(
        0,
        alias="PARLEY_METRICS_PORT",
        ge=-1,
        le=65535,
        description="Port of the process's `/metrics`, `/health` and `/ready`; 0 picks a free one, -1 none",
    )
    capacity: int = Field(
        400,
        alias="PARLEY_CAPACITY",
        ge=1,
        description="Streams (calls) this process takes at once",
        json_schema_extra=LIVE,
    )
    spoken_cache_mb: int = Field(
        16,
        alias="PARLEY_SPOKEN_CACHE_MB",
        ge=0,
        le=4096,
        description="MiB of sound that a gateway keeps of fixed sentences (greetings, fillers, notices); 0: none",
    )
    workers: int = Field(
        0,
        alias="PARLEY_WORKERS",
        ge=0,
        description="Worker processes of each local recogniser; 0: one per core, at most 4",
    )
    drain_s: float = Field(
        20.0, alias="PARLEY_DRAIN_S", ge=0, description="How long a process asked to stop waits for its calls"
    )
    data_dir: Path = Field(
        Path(".parley"), alias="PARLEY_DATA_DIR", description="Where local databases, models and indexes are kept"
    )
    models_dir: Path | None = Field(
        None,
        alias="PARLEY_MODELS_DIR",
        description="Folder with the embedding model, built beforehand by `python -m parley.embedding DIR`, as images bring it; empty: built in the data folder",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", alias="PARLEY_LOG_LEVEL", description="What is logged", json_schema_extra=LIVE
    )
    log_format: Literal["json", "text"] = Field("json", alias="PARLEY_LOG_FORMAT", description="How it is logged")
    build: str = Field(
        "", alias="PARLEY_BUILD", description="What was built, such as its commit: told by `voice_build_info`"
    )
    otlp_endpoint: str = Field(
        "", alias="OTEL_EXPORTER_OTLP_ENDPOINT", description="Collector of traces; empty: no traces leave the process"
    )

    # Certificates
    tls_ca: str = Field(
        "",
        alias="PARLEY_TLS_CA",
        description="File with the certificate of the authority whose certificates are believed (PEM). With the next two: services talk TLS only, and both sides show who they are. All three or none; read again when they change",
    )
    tls_cert: str = Field(
        "",
        alias="PARLEY_TLS_CERT",
        description="This process's certificate; its DNS name is the service's, such as `stt`",
    )
    tls_key: str = Field("", alias="PARLEY_TLS_KEY", description="Its key, without a password")

    # The others
    stt_address: str = Field(
        "127.0.0.1:50051",
        alias="PARLEY_STT_ADDRESS",
        description="Replicas of stt, comma-separated; here and below a name stands for all its address records, asked for again every 5 s",
    )
    tts_address: str = Field("127.0.0.1:50052", alias="PARLEY_TTS_ADDRESS", description="Replicas of tts")
    orchestrator_address: str = Field(
        "127.0.0.1:50053", alias="PARLEY_ORCHESTRATOR_ADDRESS", description="Replicas of the orchestrator"
    )
    llm_address: str = Field("127.0.0.1:50054", alias="PARLEY_LLM_ADDRESS", description="Replicas of llm")
    tools_address: str = Field("127.0.0.1:50055", alias="PARLEY_TOOLS_ADDRESS", description="Replicas of tools")
    telephony_address: str = Field(
        "",
        alias="PARLEY_TELEPHONY_ADDRESS",
        description="Replicas of the gateway's telephone line (their `PARLEY_LISTEN`), for `parley mcp`; empty: none known",
    )
    rag_address: str = Field("127.0.0.1:50056", alias="PARLEY_RAG_ADDRESS", description="Replicas of rag")
    nats_url: str = Field(
        "nats://127.0.0.1:4222",
        alias="PARLEY_NATS_URL",
        description="NATS servers, comma-separated; empty: none, for a house of one process as `parley eval` has",
    )
    nats_user: str = Field("", alias="PARLEY_NATS_USER", description="This service's NATS user")
    nats_password: SecretStr = Field(SecretStr(""), alias="PARLEY_NATS_PASSWORD", description="Its password")
    nats_replicas: int = Field(
        1,
        alias="PARLEY_NATS_REPLICAS",
        ge=1,
        le=5,
        description="Copies of state and events NATS keeps; 3 needs a cluster of 3",
    )
    nats_nodes: int = Field(
        1,
        alias="PARLEY_NATS_NODES",
        ge=1,
        le=5,
        description="How many nats-servers `parley run` starts: 1, or 3 of which one may be lost; each keeps its own folder in the data folder",
    )
    events_mb: int = Field(
        2048,
        alias="PARLEY_EVENTS_MB",
        ge=1,
        le=1_000_000,
        description="MiB of event records that NATS keeps (`parley size` says what so many calls need); when it is made, later by the `nats` command. It is kept free on each node's disk",
    )
    events_hours: float = Field(
        24.0, alias="PARLEY_EVENTS_HOURS", gt=0, le=24 * 365, description="How long it keeps them, at most"
    )
    without_nats: Literal["serve", "refuse"] = Field(
        "serve",
        alias="PARLEY_WITHOUT_NATS",
        description="New calls while NATS is away: `serve` them without durability, or `refuse` politely",
        json_schema_extra=LIVE,
    )

    mcp_token: SecretStr = Field(
        SecretStr(""),
        alias="PARLEY_MCP_TOKEN",
        description="What clients of `parley mcp --http` prove themselves with; empty: a new one at each start, which it prints",
    )

    # Stores
    database_url: SecretStr = Field(
        SecretStr(""),
        alias="PARLEY_DATABASE_URL",
        description="Database of tools: `postgresql://...`; empty: SQLite in the data folder (one replica)",
    )
    audit_days: int = Field(
        365,
        alias="PARLEY_AUDIT_DAYS",
        ge=1,
        le=36_500,
        description="How long what agents audit is kept in the database of tools",
        json_schema_extra=LIVE,
    )
    vault_key: SecretStr = Field(
        SecretStr(""),
        alias="PARLEY_VAULT_KEY",
        description="Seals card numbers while a call pays, in the database of tools; the same for its replicas. Empty: one of this process, so that with several replicas callers are asked again for their card",
    )
    qdrant_url: str = Field(
        "",
        alias="PARLEY_QDRANT_URL",
        description="Qdrant server of rag; empty: an embedded index in the data folder (one replica)",
    )
    qdrant_api_key: SecretStr = Field(SecretStr(""), alias="QDRANT_API_KEY", description="Its key")

    @property
    def embedding_dir(self) -> Path:
        """Where `Embedder.load` finds the model, or builds it."""
        return self.models_dir if self.models_dir not in (None, Path()) else self.data_dir

    @field_validator("stt", "llm", "tts")
    @classmethod
    def _names(cls, value: str) -> str:
        return ",".join(part.strip().lower() for part in value.split(",") if part.strip())

    @classmethod
    def read(cls, **overrides: object) -> Settings:
        """The environment as settings; `overrides` by field or variable. Raises Misconfigured naming each wrong variable and what it may be."""
        names = {name: field.alias or name for name, field in cls.model_fields.items()}
        return _read(cls, {names.get(name, name): value for name, value in overrides.items()})

    def own(self, rows: type[Rows]) -> Rows:
        """An engine's own settings, from the same source as these. Raises Misconfigured."""
        return _read(rows, self.model_extra or {})

    def vendor(self, engine: str, stage: str) -> VendorSettings | None:
        """What a vendor's engine needs to be reached; None for one that runs on this machine, or for no engine."""
        row = engines_of(stage).get(engine)
        return self.own(named(row.settings)) if row is not None and row.vendor else None

    def account(self, engine: str, stage: str) -> str:
        """Which account in which region an engine uses, as a digest; empty for one that runs on this machine."""
        its = self.vendor(engine, stage)
        return its.digest() if its is not None else ""

    def engines(self, stage: Stage) -> list[str]:
        """Which engines serve a stage, first = preferred.

        The named list wins, then the profile, then the vendor whose key is set, then what is installed here.
        """
        if chosen := {"stt": self.stt, "llm": self.llm, "tts": self.tts}[stage]:
            return chosen.split(",")
        vendors = {name: its for name in engines_of(stage) if (its := self.vendor(name, stage)) is not None}
        with_key = [name for name, its in vendors.items() if its.api_key.get_secret_value()]
        if self.profile == "local" or not (with_key or self.profile):
            return list(engines_here(stage, vad=self.vad != "off"))
        return (with_key or list(vendors))[:1]


def addresses(value: str) -> list[str]:
    """`host:port` parts of a comma-separated list."""
    return [part.strip() for part in value.split(",") if part.strip()]
