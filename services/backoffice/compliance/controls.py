"""The controls: paragraph, what is wanted, how it is checked, what to do where it is not so. Pure.

HIPAA: 45 CFR part 164; PCI DSS: version 4.0.1. A control without a check is declared by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from services.backoffice.compliance import keeping, people, transport
from services.backoffice.compliance.finding import Finding
from services.backoffice.compliance.seen import Seen

Severity = Literal["high", "medium", "low"]
Check = Callable[[Seen], Finding]


def by_hand(what: str) -> Check:
    return lambda seen: Finding("declare", what)


def agreements(seen: Seen) -> Finding:
    """Where everything runs here there is nobody to agree with, but for the carrier."""
    vendors = ", ".join(seen.house.vendors)
    return Finding(
        "declare", f"what is said goes to {vendors}, and to the carrier" if vendors else "the carrier hears all calls"
    )


@dataclass(frozen=True)
class Control:
    """`id` is what it is declared by."""

    id: str
    law: Literal["HIPAA", "PCI DSS"]
    paragraph: str
    title: str
    severity: Severity
    check: Check
    remedy: str


CONTROLS: tuple[Control, ...] = (
    Control(
        "hipaa-named-people",
        "HIPAA",
        "164.312(a)(2)(i)",
        "Everybody who looks has an account of their own",
        "high",
        people.named,
        "`parley user add NAME` for each person, or PARLEY_OIDC_ISSUER",
    ),
    Control(
        "hipaa-emergency",
        "HIPAA",
        "164.312(a)(2)(ii)",
        "There is a way in for an emergency",
        "medium",
        by_hand("`parley user link` or `parley user add` on the machine is such a way; who may do it is yours to say"),
        "Write down who may use it, and declare it",
    ),
    Control(
        "hipaa-log-off",
        "HIPAA",
        "164.312(a)(2)(iii)",
        "Idle sessions end",
        "medium",
        people.idle_hipaa,
        "PARLEY_SESSION_IDLE_MINUTES=15",
    ),
    Control(
        "hipaa-at-rest",
        "HIPAA",
        "164.312(a)(2)(iv)",
        "What is kept is encrypted",
        "high",
        keeping.sealed,
        "PARLEY_TRANSCRIPTS=encrypt, or declare that the volume is encrypted",
    ),
    Control(
        "hipaa-audit",
        "HIPAA",
        "164.312(b)",
        "What happens is audited, and the audit is whole",
        "high",
        keeping.audit,
        "`parley audit verify` names the first broken entry; restore it from a backup and find out who changed it",
    ),
    Control(
        "hipaa-authentication",
        "HIPAA",
        "164.312(d)",
        "Who logs in proves it with a second factor",
        "medium",
        people.second_factor,
        "Account, Second factor in the console; each for themselves",
    ),
    Control(
        "hipaa-transmission",
        "HIPAA",
        "164.312(e)(1)",
        "Services talk TLS to each other",
        "high",
        transport.services,
        "docs/tls.md: PARLEY_TLS_CA, PARLEY_TLS_CERT, PARLEY_TLS_KEY, or `parley run --tls`",
    ),
    Control(
        "hipaa-transmission-nats",
        "HIPAA",
        "164.312(e)(2)(ii)",
        "NATS is spoken over TLS",
        "high",
        transport.nats,
        "PARLEY_NATS_URL=tls://…",
    ),
    Control(
        "hipaa-transmission-callers",
        "HIPAA",
        "164.312(e)(2)(i)",
        "Callers and carriers come by TLS",
        "high",
        transport.callers,
        "PARLEY_PUBLIC_URL=https://…, with TLS at the door",
    ),
    Control(
        "hipaa-least",
        "HIPAA",
        "164.308(a)(4)",
        "Few may do everything",
        "medium",
        people.least,
        "`parley user role NAME viewer` for who only looks",
    ),
    Control(
        "hipaa-logs",
        "HIPAA",
        "164.502(b)",
        "No personal data in logs",
        "high",
        keeping.logs,
        "See which service writes them (docs/privacy.md) and report it: it is a fault",
    ),
    Control(
        "hipaa-transcripts",
        "HIPAA",
        "164.514(b)",
        "No plain personal data in stored transcripts",
        "high",
        keeping.transcripts,
        "PARLEY_TRANSCRIPTS=mask or encrypt; `parley forget NUMBER` for what is there",
    ),
    Control(
        "hipaa-vendors",
        "HIPAA",
        "164.308(b)(1)",
        "An agreement (BAA) with everyone who hears or reads a call",
        "high",
        agreements,
        "Sign them, then declare it with date and where they are kept",
    ),
    Control(
        "hipaa-backups",
        "HIPAA",
        "164.308(a)(7)(ii)(A)",
        "Databases and NATS are backed up, and a restore was tried",
        "medium",
        by_hand("backups are made outside of Parley"),
        "Back up, restore once, declare it",
    ),
    Control(
        "hipaa-breach",
        "HIPAA",
        "164.404",
        "There is a plan for a breach",
        "medium",
        by_hand("a plan is a document of yours"),
        "Write it, declare where it is",
    ),
    Control(
        "hipaa-six-years",
        "HIPAA",
        "164.316(b)(2)(i)",
        "What shows that rules were kept is kept for six years",
        "low",
        by_hand("the audit here is never removed; reports and agreements are yours to keep"),
        "Keep this report's PDF, and declare where",
    ),
    Control(
        "pci-defaults",
        "PCI DSS",
        "2.2.2",
        "No key and password is one that everybody knows",
        "high",
        keeping.secrets,
        "`python -m runner.cluster_secrets`, or the keys of docker-compose.yml; never those of the dev overlay",
    ),
    Control(
        "pci-nats-users",
        "PCI DSS",
        "7.2.5",
        "Each service may in NATS what it needs",
        "high",
        transport.nats_users,
        "PARLEY_NATS_USER and PARLEY_NATS_PASSWORD, docs/nats.md",
    ),
    Control(
        "pci-segments",
        "PCI DSS",
        "1.3.1",
        "The network lets through what is needed",
        "medium",
        by_hand("k8s/base/network.yaml shuts everything else where the cluster enforces it"),
        "Declare what enforces it",
    ),
    Control(
        "pci-retention",
        "PCI DSS",
        "3.2.1",
        "What is kept is removed in time",
        "high",
        keeping.retention,
        'PARLEY_RETENTION="transcripts 30 d, records 400 d"',
    ),
    Control(
        "pci-codes",
        "PCI DSS",
        "3.3.1",
        "Security codes of cards are not kept",
        "high",
        keeping.codes,
        "Take cards with a tool of `payment: true` (docs/privacy.md); remove what is there: `parley forget NUMBER`",
    ),
    Control(
        "pci-masked",
        "PCI DSS",
        "3.4.1",
        "Card numbers are not shown",
        "high",
        keeping.cards,
        "PARLEY_TRANSCRIPTS=mask or encrypt",
    ),
    Control(
        "pci-keys",
        "PCI DSS",
        "3.6.1",
        "The sealing key is not beside what it seals",
        "high",
        keeping.key,
        "PARLEY_BACKOFFICE_KEY_FILE from your keeper of secrets",
    ),
    Control(
        "pci-console",
        "PCI DSS",
        "4.2.1",
        "The console is reached by TLS only",
        "high",
        transport.console,
        "PARLEY_BACKOFFICE_URL=https://…, with TLS at the door",
    ),
    Control(
        "pci-debug",
        "PCI DSS",
        "6.5.6",
        "Nothing is logged for debugging",
        "medium",
        transport.debug,
        "PARLEY_LOG_LEVEL=info",
    ),
    Control(
        "pci-signatures",
        "PCI DSS",
        "6.4.1",
        "Calls come from who is meant to send them",
        "high",
        transport.signatures,
        "TWILIO_AUTH_TOKEN",
    ),
    Control(
        "pci-idle",
        "PCI DSS",
        "8.2.8",
        "Idle sessions end after 15 minutes",
        "medium",
        people.idle_pci,
        "PARLEY_SESSION_IDLE_MINUTES=15",
    ),
    Control(
        "pci-lock-out",
        "PCI DSS",
        "8.3.4",
        "Failed logins lock out",
        "medium",
        people.lock_out,
        "It is built in; report it where it is not so",
    ),
    Control(
        "pci-passwords",
        "PCI DSS",
        "8.3.6",
        "Passwords have twelve characters and more",
        "medium",
        people.passwords,
        "It is built in; report it where it is not so",
    ),
    Control(
        "pci-second-factor",
        "PCI DSS",
        "8.4.2",
        "All logins need a second factor",
        "high",
        people.second_factor,
        "Account, Second factor in the console; each for themselves",
    ),
    Control(
        "pci-audit",
        "PCI DSS",
        "10.3.4",
        "The audit cannot be changed unnoticed",
        "high",
        keeping.audit,
        "`parley audit verify`",
    ),
    Control("pci-clocks", "PCI DSS", "10.6.1", "Clocks agree", "low", transport.clocks, "NTP on every node"),
    Control(
        "pci-vendors",
        "PCI DSS",
        "12.8.2",
        "Vendors that get card data have agreed to protect them",
        "high",
        agreements,
        "Sign them, then declare it; or take cards by keys only",
    ),
)
"""In the order of the report."""
