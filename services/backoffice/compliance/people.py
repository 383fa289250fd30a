"""Checks of who may, and how they prove who they are. Pure."""

from __future__ import annotations

from services.backoffice.compliance.finding import Finding, holds, unknown
from services.backoffice.compliance.seen import Seen

SHARED = frozenset({"admin", "administrator", "operator", "root", "test", "user", "support", "team", "office"})
HIPAA_IDLE, PCI_IDLE = 30.0, 15.0
MOST_TRIES = 10
SHORTEST = 12


def named(seen: Seen) -> Finding:
    if seen.people is None:
        return unknown("the accounts")
    if not seen.people and not seen.house.oidc:
        return Finding("fail", "there is no account: whoever logs in does so by a link that names nobody")
    shared = sorted(each.name for each in seen.people if each.name in SHARED)
    return holds(not shared, f"{len(seen.people)} accounts, each a person's", f"names of nobody: {', '.join(shared)}")


def second_factor(seen: Seen) -> Finding:
    if seen.people is None:
        return unknown("the accounts")
    without = sorted(each.name for each in seen.people if not each.second_factor)
    if not seen.people:
        return (
            Finding(
                "declare", "logins are by the provider alone: whether it asks for a second factor is not known here"
            )
            if seen.house.oidc
            else Finding("fail", "there is no account with a second factor")
        )
    return holds(
        not without, f"all {len(seen.people)} accounts have one", f"without a second factor: {', '.join(without)}"
    )


def least(seen: Seen) -> Finding:
    if seen.people is None:
        return unknown("the accounts")
    admins = [each for each in seen.people if each.role == "admin"]
    few = len(admins) <= max(2, len(seen.people) // 2)
    return holds(
        few, f"{len(admins)} of {len(seen.people)} are admins", f"{len(admins)} of {len(seen.people)} are admins"
    )


def idle(seen: Seen, most: float) -> Finding:
    minutes = seen.house.idle_minutes
    return holds(0 < minutes <= most, f"after {minutes:g} minutes", f"after {minutes:g} minutes; at most {most:g}")


def idle_hipaa(seen: Seen) -> Finding:
    return idle(seen, HIPAA_IDLE)


def idle_pci(seen: Seen) -> Finding:
    return idle(seen, PCI_IDLE)


BY_PROVIDER = Finding("declare", "logins are by the provider alone: what it asks for is not known here")


def lock_out(seen: Seen) -> Finding:
    if seen.house.oidc:
        return BY_PROVIDER
    tries = seen.house.free_logins
    return holds(0 < tries <= MOST_TRIES, f"after {tries} failed logins", f"{tries} failed logins are free")


def passwords(seen: Seen) -> Finding:
    if seen.house.oidc:
        return BY_PROVIDER
    least_chars = seen.house.shortest_password
    return holds(least_chars >= SHORTEST, f"at least {least_chars} characters", f"{least_chars} characters are enough")
