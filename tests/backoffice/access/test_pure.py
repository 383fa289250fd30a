"""What decides without a database: roles, scopes, lock-out, passes, roles of a provider."""

from __future__ import annotations

import argon2
import pytest

from parley.errors import BadInput, Misconfigured, NotAllowed
from services.backoffice.access.lockout import FIRST_S, FORGOTTEN_S, FREE, LONGEST_S, Failures, failed
from services.backoffice.access.oidc.roles import ClaimedRoles
from services.backoffice.access.passes import DEVICE, LINK, Passes
from services.backoffice.access.passwords import Passwords, checked
from services.backoffice.access.roles import Who, role_named
from services.backoffice.access.scopes import AREAS, covers, scope_of
from services.backoffice.access.scopes import checked as checked_scopes


def test_a_role_may_what_lower_ones_may() -> None:
    may = {
        role: [Who("x", role, "person").may(wanted) for wanted in ("viewer", "supervisor", "admin")]
        for role in (role_named("viewer"), role_named("supervisor"), role_named("admin"))
    }
    assert may == {
        "viewer": [True, False, False],
        "supervisor": [True, True, False],
        "admin": [True, True, True],
    }
    assert [Who("x", role, "person").sees_numbers for role in may] == [False, True, True]
    with pytest.raises(BadInput, match="role: must be one of viewer, supervisor, admin, not 'root'"):
        role_named("root")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/calls/CA1", "calls:read"),
        ("HEAD", "/api/call-logs", "calls:read"),
        ("POST", "/api/calls/CA1/note", "calls:write"),
        ("POST", "/api/config", "config:write"),
        ("POST", "/api/test-tts", "engines:write"),
        ("GET", "/api/compliance-audit", "compliance:read"),
        ("GET", "/api/users", ""),
        ("POST", "/api/keys", ""),
        ("GET", "/api/session/me", ""),
        ("GET", "/api/new-thing", ""),
        ("GET", "/admin", ""),
        ("GET", "//api/calls", ""),
    ],
)
def test_what_a_request_needs(method: str, path: str, scope: str) -> None:
    assert scope_of(method, path) == scope


def test_writing_includes_reading_and_nothing_includes_what_has_no_area() -> None:
    assert covers({"calls:write"}, "calls:read")
    assert not covers({"calls:read"}, "calls:write")
    assert not covers({"config:write"}, "calls:read")
    assert not covers({f"{area}:write" for area in AREAS}, "")
    for wrong in ([], ["calls"], ["calls:read", "*"]):
        with pytest.raises(BadInput, match="scopes: "):
            checked_scopes(wrong)


def test_five_may_fail_then_each_waits_twice_as_long_up_to_an_hour() -> None:
    failures, waits, now = Failures(), [], 1_000_000.0
    for _ in range(14):
        failures = failed(failures, now)
        waits.append(failures.wait(now))
        now += failures.wait(now)
    assert waits[: FREE - 1] == [0.0] * (FREE - 1)
    assert waits[FREE - 1 : FREE + 2] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert waits[-1] == LONGEST_S
    assert failed(failures, now + FORGOTTEN_S + 1).count == 1, "a day later it is another matter"


def test_a_pass_is_good_for_its_purpose_and_its_time() -> None:
    now = 1_000_000.0
    passes = Passes(bytes(32), lambda: now)
    link = passes.issue(LINK, {"x": "y"}, 60)
    assert passes.read(link, LINK)["x"] == "y"
    with pytest.raises(NotAllowed, match="the device is forged"):
        passes.read(link, DEVICE)
    with pytest.raises(NotAllowed, match="forged"):
        Passes(bytes([1] * 32), lambda: now).read(link, LINK)
    now += 61
    with pytest.raises(NotAllowed, match="too old"):
        passes.read(link, LINK)


@pytest.mark.parametrize("text", ["", ".", "a", "a.b", "a.b.c", "é.é", "x" * 100_000, "e30.e30"])
def test_what_is_no_pass_is_refused(text: str) -> None:
    with pytest.raises(NotAllowed, match="forged"):
        Passes(bytes(32)).read(text, LINK)


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaaaa", "x" * 201, "ada123456789"])
def test_a_password_that_is_easy_is_not_taken(password: str) -> None:
    with pytest.raises(BadInput, match="password: "):
        checked(password, "ada")


async def test_passwords_are_hashed_as_rfc_9106_says() -> None:
    passwords = Passwords(argon2.PasswordHasher())
    hashed = await passwords.hash("four words nobody guesses")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.fits(hashed, "four words nobody guesses")
    assert not await passwords.fits(hashed, "other words")
    assert not await passwords.fits("", "nobody's"), "nobody has no password"
    assert not await passwords.fits("damaged", "x")


def test_roles_of_a_provider() -> None:
    own_names = ClaimedRoles("roles", "")
    assert own_names.role({"roles": ["viewer", "admin"]}) == "admin"
    assert own_names.role({"roles": "supervisor"}) == "supervisor"
    assert own_names.role({"roles": ["root"]}) is None
    table = ClaimedRoles("realm_access.roles", "admin=ops, supervisor=leads,supervisor=night,viewer=*")
    assert table.role({"realm_access": {"roles": ["night"]}}) == "supervisor"
    assert table.role({"realm_access": {"roles": ["ops", "leads"]}}) == "admin"
    assert table.role({"realm_access": {"roles": ["admin"]}}) == "viewer", "the role's own name stands for nothing"
    assert table.role({"realm_access": [1, None]}) == "viewer"
    with pytest.raises(Misconfigured, match="PARLEY_OIDC_ROLES: 'root=ops' is no row of it"):
        ClaimedRoles("roles", "root=ops")
