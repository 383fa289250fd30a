"""What a browser and a program meet: logging in, cookies, what changes must carry, roles, keys, headers, limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest
from fastapi.routing import APIRoute

from parley.settings import Settings
from services.backoffice.access.guard import Guard
from services.backoffice.access.link import login_link
from services.backoffice.access.lockout import FREE
from services.backoffice.access.scopes import scope_of
from tests.backoffice.access.conftest import ADA, HERE, House, running

OPEN = {"/api/session/ways", "/api/session/login", "/api/session/once", "/api/session/oidc", "/api/session/oidc/back"}
"""What nobody needs to be logged in for."""
FOR_PEOPLE = ("/api/session", "/api/users", "/api/keys")
"""What no key may ask."""


def routes(app: Any) -> Iterator[APIRoute]:
    """Also of routers that were included: each stands in the application as one."""
    for route in app.routes:
        inside = getattr(route, "original_router", None)
        for each in [route] if inside is None else inside.routes:
            if isinstance(each, APIRoute) and each.path.startswith("/api/"):
                yield each


def asks(dependant: Any) -> bool:
    return any(hasattr(each.call, "needed_role") or asks(each) for each in dependant.dependencies)


async def test_no_path_of_the_api_forgets_to_ask_who_it_is(house: House) -> None:
    assert {route.path for route in routes(house.app) if not asks(route.dependant)} <= OPEN


async def test_every_path_belongs_to_an_area_of_keys_or_is_for_people(house: House) -> None:
    paths = [route.path for route in routes(house.app) if not route.path.startswith(FOR_PEOPLE)]
    assert [path for path in paths if not scope_of("GET", path)] == []


async def test_logging_in_and_leaving(house: House) -> None:
    browser = await house.logged_in("supervisor")
    answer = await browser.post("/api/session/login", json=ADA)
    assert answer.status_code == 200
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert re.match(r"parley(-device)?=", cookie), "no prefix without TLS: browsers would not take it"
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    me = (await browser.get("/api/session/me")).json()
    assert (me["name"], me["role"], me["numbers"], me["totp"]) == ("ada", "supervisor", True, False)
    browser.headers["X-CSRF-Token"] = me["csrf"]
    assert (await browser.get("/api/calls/of/the/test/supervisor")).json() == {"name": "ada", "numbers": True}
    assert (await browser.get("/api/calls/of/the/test/admin")).json()[
        "detail"
    ] == "this is for the role admin; yours is supervisor"
    assert (await browser.post("/api/session/leave")).status_code == 204
    nobody = await browser.get("/api/session/me")
    assert (nobody.status_code, nobody.headers["content-type"]) == (401, "application/problem+json")
    assert house.noted == [
        ("ada", "login", "ada"),
        ("ada", "login", "ada"),
        ("ada", "logout", "ada"),
    ]


async def test_over_tls_cookies_belong_to_the_host_alone(house: House) -> None:
    await house.parts.access.accounts.add("ada", "viewer", ADA["password"])
    async with house.browser("https://console.example.com", address="203.0.113.5") as browser:
        answer = await browser.post("/api/session/login", json=ADA)
        for cookie in answer.headers.get_list("set-cookie"):
            assert re.match(r"__Host-parley(-device)?=", cookie)
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
            assert "Domain" not in cookie
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert (await browser.get("/api/session/me")).status_code == 200


async def test_without_tls_nobody_logs_in_but_on_this_machine(house: House) -> None:
    await house.parts.access.accounts.add("ada", "viewer", ADA["password"])
    for url in ("http://console.example.com", "http://192.168.1.7:8090"):
        async with house.browser(url, address="192.168.1.8") as browser:
            assert (await browser.get("/api/session/ways")).json()["secure"] is False
            answer = await browser.post("/api/session/login", json=ADA)
            assert (answer.status_code, answer.json()["detail"]) == (403, "logging in needs TLS here")
    for url in (HERE, "http://127.0.0.1:8090", "http://[::1]:8090"):
        async with house.browser(url) as browser:
            assert (await browser.post("/api/session/login", json=ADA)).status_code == 200


async def test_a_wrong_login_says_nothing_of_what_is_wrong_and_then_waits(house: House) -> None:
    await house.parts.access.accounts.add("ada", "viewer", ADA["password"])
    async with house.browser() as browser:
        wrong = await browser.post("/api/session/login", json={**ADA, "password": "wrong"})
        nobody = await browser.post("/api/session/login", json={**ADA, "name": "nobody"})
        assert wrong.status_code == nobody.status_code == 401
        assert wrong.json() == nobody.json()
        for _ in range(FREE - 1):
            await browser.post("/api/session/login", json={**ADA, "password": "wrong"})
        waits = await browser.post("/api/session/login", json=ADA)
        assert waits.status_code == 429
        assert 0 < int(waits.headers["retry-after"]) <= 60
    async with house.browser("https://console.example.com", address="203.0.113.5") as elsewhere:
        assert (await elsewhere.post("/api/session/login", json=ADA)).status_code == 200
    assert ("", "login.failed", "ada") in house.noted


async def test_a_second_factor_is_set_up_and_asked_for(house: House) -> None:
    browser = await house.logged_in()
    begun = (await browser.post("/api/session/totp")).json()
    assert begun["picture"].startswith("data:image/svg+xml"), "made by the server, drawn by no script"
    code = pyotp.TOTP(begun["secret"]).now()
    sent = {"pending": begun["pending"], "code": code}
    assert (await browser.post("/api/session/totp/on", json=sent)).status_code == 204
    async with house.browser() as another:
        asked = await another.post("/api/session/login", json=ADA)
        assert (asked.status_code, asked.json()["field"]) == (401, "body.code")
        again = await another.post("/api/session/login", json={**ADA, "code": code})
        assert again.status_code == 401, "each code is good once"
    wrong = await browser.post("/api/session/totp/off", json={"password": "wrong"})
    assert (wrong.status_code, wrong.json()["field"]) == (403, "body.password")
    assert (await browser.post("/api/session/totp/off", json={"password": ADA["password"]})).status_code == 204
    async with house.browser() as another:
        assert (await another.post("/api/session/login", json=ADA)).status_code == 200


async def test_a_change_comes_from_our_own_page(house: House) -> None:
    browser = await house.logged_in()
    good = {"X-CSRF-Token": browser.headers.pop("X-CSRF-Token")}
    for headers, status in [
        (good, 200),
        ({**good, "Origin": HERE, "Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 403),
        ({"X-CSRF-Token": "0" * 40}, 403),
        ({**good, "Origin": "http://evil.example"}, 403),
        ({**good, "Origin": "null"}, 403),
        ({**good, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**good, "Sec-Fetch-Site": "same-site"}, 403),
    ]:
        answer = await browser.post("/api/calls/of/the/test/viewer", headers=headers)
        assert answer.status_code == status, headers
        if status == 403:
            assert answer.json()["field"] in ("header.Origin", "header.X-CSRF-Token", "header.Sec-Fetch-Site")
    login = await browser.post("/api/session/login", json=ADA, headers={"Origin": "http://evil.example"})
    assert login.status_code == 403, "nobody is logged in by another site"


async def test_the_link_logs_in_once(house: House) -> None:
    url = urlsplit(login_link(house.parts.settings))
    async with house.browser() as browser:
        answer = await browser.get(f"{url.path}?{url.query}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
        me = (await browser.get("/api/session/me")).json()
        assert (me["name"], me["role"], me["kind"]) == ("operator", "admin", "link")
    async with house.browser() as browser:
        again = await browser.get(f"{url.path}?{url.query}")
        assert (again.status_code, again.json()["remedy"]) == (403, "`parley user link` makes a new one")
        assert (await browser.get("/api/session/once")).status_code == 403
        assert [(kind, what) for _, kind, what in house.noted[1:]] == [("login.failed", "a one-time link")] * 2
        assert (await browser.get("/api/session/me")).status_code == 401


async def test_accounts_are_made_changed_and_removed_by_admins(house: House) -> None:
    admin = await house.logged_in()
    made = await admin.post("/api/users", json={"name": "bob", "role": "viewer"})
    assert made.status_code == 201
    password = made.json()["password"]
    assert (await admin.post("/api/users", json={"name": "bob"})).status_code == 409
    weak = await admin.post("/api/users", json={"name": "eve", "password": "short"})
    assert (weak.status_code, weak.json()["field"]) == (422, "password")
    async with house.browser() as bob:
        login = await bob.post("/api/session/login", json={"name": "bob", "password": password})
        bob.headers["X-CSRF-Token"] = login.json()["csrf"]
        assert (await bob.get("/api/users")).status_code == 403
        assert (await bob.get("/api/calls/of/the/test/supervisor")).status_code == 403
        changed = await admin.patch("/api/users/bob", json={"role": "supervisor", "number": "+15550100199"})
        assert (changed.status_code, changed.json()["role"]) == (200, "supervisor")
        assert (await bob.get("/api/calls/of/the/test/supervisor")).status_code == 200, "at once"
        assert (await bob.get("/api/session/me")).json()["number"] == "+15550100199"
        new = {"old": password, "new": "other words nobody guesses"}
        assert (await bob.post("/api/session/password", json=new)).status_code == 204
        assert (await bob.get("/api/session/me")).status_code == 200
        assert (await admin.delete("/api/users/bob")).status_code == 204
        assert (await bob.get("/api/session/me")).status_code == 401
    assert (await admin.delete("/api/users/bob")).status_code == 404
    assert (await admin.delete("/api/users/ada")).status_code == 409
    assert (await admin.patch("/api/users/ada", json={"role": "viewer"})).status_code == 409
    shown = await admin.get("/api/users")
    assert [user["name"] for user in shown.json()["items"]] == ["ada"]
    assert "argon2" not in shown.text


async def test_ones_open_sessions_are_shown_and_ended(house: House) -> None:
    browser = await house.logged_in()
    async with house.browser("https://console.example.com", address="203.0.113.5") as lost:
        await lost.post("/api/session/login", json=ADA)
        rows = (await browser.get("/api/session/mine")).json()["items"]
        assert {row["address"]: row["here"] for row in rows} == {"127.0.0.1": True, "203.0.113.5": False}
        (there,) = (row["id"] for row in rows if not row["here"])
        assert (await browser.delete(f"/api/session/mine/{there}")).status_code == 204
        assert (await lost.get("/api/session/me")).status_code == 401
    assert (await browser.delete("/api/session/mine/0123456789abcdef")).status_code == 404


async def test_a_key_is_shown_once_and_good_within_its_scopes(house: House) -> None:
    admin = await house.logged_in()
    asked = {"name": "report", "role": "supervisor", "scopes": ["calls:read"], "days": 30}
    made = (await admin.post("/api/keys", json=asked)).json()
    assert made["key"] not in (await admin.get("/api/keys")).text
    async with house.browser(address="203.0.113.9", Authorization=f"Bearer {made['key']}") as program:
        assert (await program.get("/api/calls/of/the/test/supervisor")).json() == {
            "name": "key report",
            "numbers": True,
        }
        for method, path, detail in [
            ("POST", "/api/calls/of/the/test/viewer", "this key is not for that"),
            ("GET", "/api/calls/of/the/test/admin", "this is for the role admin; yours is supervisor"),
            ("GET", "/api/users", "this is for people only"),
            ("POST", "/api/keys", "this is for people only"),
        ]:
            answer = await program.request(method, path, json={})
            assert (answer.status_code, answer.json()["detail"]) == (403, detail), path
        assert (await admin.delete(f"/api/keys/{made['id']}")).status_code == 204
        gone = await program.get("/api/calls/of/the/test/supervisor")
        assert (gone.status_code, gone.headers["www-authenticate"]) == (401, "Bearer")
    admin.headers["Authorization"] = "Bearer nonsense"
    assert (await admin.get("/api/calls/of/the/test/viewer")).status_code == 401, (
        "a wrong key is not helped by a cookie"
    )
    assert [noted[1] for noted in house.noted] == ["login", "key.made", "key.revoked"]


async def test_what_every_answer_tells_a_browser(house: House) -> None:
    async with house.browser() as browser:
        for path, status in (("/api/session/me", 401), ("/health", 200), ("/nowhere", 404), ("/api/session/ways", 200)):
            answer = await browser.get(path)
            assert answer.status_code == status
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
        assert (await browser.get("/api/session/ways")).headers["cache-control"] == "no-store"


async def test_an_address_asks_two_hundred_times_a_minute(tmp_path: Path) -> None:
    async with running(tmp_path, PARLEY_TRUSTED_PROXIES="127.0.0.1") as house:
        guard = house.parts.access.guard
        guard._now = lambda: 1000.0
        async with house.browser(**{"X-Forwarded-For": "203.0.113.5"}) as browser:
            got = [(await browser.get("/api/session/ways")).status_code for _ in range(202)]
            assert got == [200] * 200 + [429] * 2
            answer = await browser.get("/api/session/ways")
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"].endswith("/too-many-requests")
            assert set(answer.json()) == {"type", "title", "status", "detail", "field", "remedy"}
            assert 1 <= int(answer.headers["retry-after"]) <= 61
            assert (await browser.get("/health")).status_code == 200
            other = await browser.get("/api/session/ways", headers={"X-Forwarded-For": "203.0.113.6"})
            assert other.status_code == 200
        async with house.browser() as here:
            assert (await here.get("/api/session/ways")).status_code == 200, "this machine"


async def test_two_replicas_count_together(tmp_path: Path) -> None:
    settings, told = Settings.read(PARLEY_LIMIT_LOCAL=True), dict[str, Any]()
    async with running(tmp_path) as house:
        here, there = (Guard(settings, house.parts.access.jar, lambda: 1000.0) for _ in range(2))
        for _ in range(150):
            assert here._api.take("203.0.113.5", 1000.0) == 0.0
        told = {"from": here.sharing.name, "taken": {"api": here._api.heavy(10)}, "open": []}
        there.sharing.take(told)
        assert sum(there._api.take("203.0.113.5", 1000.0) == 0.0 for _ in range(100)) == 50


async def test_what_no_database_could_read_is_answered_in_words(house: House) -> None:
    admin = await house.logged_in()
    for method, path, body, status in [
        ("POST", "/api/session/login", {"name": "a\0b", "password": "x"}, 401),
        ("POST", "/api/users", {"name": "a\0b"}, 422),
        ("PATCH", "/api/users/a%00b", {"role": "viewer"}, 404),
        ("DELETE", "/api/users/a%00b", None, 404),
        ("POST", "/api/keys", {"name": "a\0b", "scopes": ["calls:read"]}, 422),
        ("DELETE", "/api/keys/a%00b", None, 404),
        ("DELETE", "/api/session/mine/a%00b", None, 404),
        ("POST", "/api/session/totp/on", {"pending": "é", "code": "é"}, 422),
    ]:
        answer = await admin.request(method, path, json=body)
        assert answer.status_code == status, (path, answer.text)
    assert ("", "login.failed", "no name") in house.noted
    async with house.browser("http://console.example.com") as browser:
        answer = await browser.get("/api/session/ways", headers={"Host": "[broken"})
        assert answer.json()["secure"] is False


async def test_many_logins_at_once_find_an_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.backoffice.access.passwords.WAITING", 0)
    async with house.browser() as browser:
        answer: httpx.Response = await browser.post("/api/session/login", json=ADA)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
