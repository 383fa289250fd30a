"""Logging in at an OpenID Connect provider: a stand-in over real HTTP, right answers and wrong ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from parley.errors import Misconfigured
from services.backoffice.access.oidc.provider import KEYS_AGAIN_S, Provider
from testbed.patience import PATIENCE_S
from testbed.servers.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.backoffice.access.conftest import ADA, House, running


@asynccontextmanager
async def both(tmp_path: Path, **settings: Any) -> AsyncIterator[tuple[House, IdentityProvider]]:
    async with IdentityProvider() as provider:
        provider.people["ada"] = {"roles": ["admin"]}
        provider.at_the_desk = "ada"
        configured = {
            "PARLEY_OIDC_ISSUER": provider.issuer,
            "PARLEY_OIDC_CLIENT_ID": CLIENT,
            "PARLEY_OIDC_CLIENT_SECRET": SECRET,
            **settings,
        }
        async with running(tmp_path, **configured) as house:
            yield house, provider


async def go(browser: httpx.AsyncClient) -> tuple[httpx.Response, str]:
    """To the provider, as a browser goes: our answer, and the provider's way back."""
    begun = await browser.get("/api/session/oidc")
    assert begun.status_code == 303, begun.text
    async with httpx.AsyncClient(timeout=PATIENCE_S) as at_provider:
        sent = await at_provider.get(begun.headers["location"])
    return begun, sent.headers["location"]


async def log_in(browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.get((await go(browser))[1])


async def test_who_the_provider_knows_is_logged_in_with_the_role_it_says(tmp_path: Path) -> None:
    async with both(tmp_path) as (house, provider), house.browser() as browser:
        ways = (await browser.get("/api/session/ways")).json()
        assert ways["local"] is False
        assert ways["oidc"] == {"name": "single sign-on", "url": "/api/session/oidc"}
        begun, back = await go(browser)
        asked = parse_qs(urlsplit(begun.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"] == ["http://localhost/api/session/oidc/back"]
        assert len(asked["state"][0]) >= 43
        assert len(asked["nonce"][0]) >= 43
        answer = await browser.get(back)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin"), answer.text
        me = (await browser.get("/api/session/me")).json()
        assert (me["name"], me["role"], me["kind"]) == ("ada", "admin", "oidc")
        again = await browser.get(back)
        assert again.status_code == 403, "the way back is good once"
        local = await browser.post("/api/session/login", json=ADA, headers={"X-CSRF-Token": me["csrf"]})
        assert (local.status_code, local.json()["detail"]) == (403, "accounts are the provider's here")
        assert provider.asked.count("/.well-known/openid-configuration") == 1
        assert ("ada", "login", "ada") in house.noted


async def test_answers_that_are_not_of_this_login_are_refused(tmp_path: Path) -> None:
    async with both(tmp_path) as (house, provider):
        for claims in (
            {"nonce": "another"},
            {"aud": "another client"},
            {"aud": [CLIENT, "another client"]},
            {"azp": "another client"},
            {"iss": "https://evil.example"},
            {"exp": 1},
            {"exp": "soon"},
            {"iat": 1},
            {"iat": 9_999_999_999},
            {"sub": ""},
        ):
            provider.claims = claims
            async with house.browser() as browser:
                answer = await log_in(browser)
                assert answer.status_code == 403, claims
                assert answer.json()["field"] == next(iter(claims)) or "aud" in claims
                assert (await browser.get("/api/session/me")).status_code == 401


async def test_a_way_back_that_this_browser_did_not_begin_is_refused(tmp_path: Path) -> None:
    async with both(tmp_path) as (house, _), house.browser() as mine, house.browser() as theirs:
        _, their_back = await go(theirs)
        assert (await mine.get(their_back)).status_code == 403, "no login was begun here"
        await go(mine)
        answer = await mine.get(their_back)
        assert (answer.status_code, answer.json()["field"]) == (403, "state")
        _, back = await go(mine)
        answer = await mine.get(back.replace("iss=http", "iss=https"))
        assert (answer.status_code, "another provider" in answer.json()["detail"]) == (403, True)
        _, back = await go(mine)
        assert "invalid_grant" in (await mine.get(back.replace("code=", "code=x"))).json()["detail"]


async def test_whoever_is_refused_there_or_has_no_role_here_does_not_get_in(tmp_path: Path) -> None:
    async with both(tmp_path) as (house, provider), house.browser() as browser:
        provider.at_the_desk = ""
        assert "access_denied" in (await log_in(browser)).json()["detail"]
        provider.at_the_desk = "bob"
        assert "bob has no role here" in (await log_in(browser)).json()["detail"]
        provider.in_userinfo = {"roles": ["supervisor"]}
        assert (await log_in(browser)).status_code == 303
        assert (await browser.get("/api/session/me")).json()["role"] == "supervisor"
        provider.in_userinfo = {"roles": ["admin"], "sub": "somebody else"}
        assert (await log_in(browser)).status_code == 403


async def test_a_browser_that_is_refused_is_told_at_the_door_with_what_to_do(tmp_path: Path) -> None:
    async with both(tmp_path) as (house, provider), house.browser(accept="text/html") as browser:
        provider.at_the_desk = "bob"
        back = "/api/session/oidc/back"
        for way, told in (
            ("", ("bob has no role here", "ask an admin")),
            (back, ("was used before", "log in again")),
            ("state=", ("the login that this browser began", "log in again")),
            (back, ("began no login", "log in again")),
            ("/api/session/once?link=x.y", ("the link is forged", "`parley user link`")),
        ):
            if "began no login" in told:
                browser.cookies.delete("parley-oidc")
            here = way if way.startswith("/") else (await go(browser))[1]
            answer = await browser.get(here.replace("state=", "state=x") if way == "state=" else here)
            assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
            refused = (await browser.get("/api/session/ways")).json()["refused"]
            assert told[0] in refused["detail"]
            assert told[1] in refused["remedy"]
            assert (await browser.get("/api/session/me")).status_code == 401
        assert [kind for _, kind, _ in house.noted] == ["login.failed"] * 5
        provider.at_the_desk = "ada"
        assert (await log_in(browser)).headers["location"] == "/admin"
        assert (await browser.get("/api/session/ways")).json()["refused"] is None, "it is over"
    async with both(tmp_path / "other") as (house, _), house.browser(accept="text/html") as browser:
        browser.cookies.set("parley-refused", "x.y")
        assert (await browser.get("/api/session/ways")).json()["refused"] is None, "not said by us"


async def test_a_provider_that_does_not_answer_is_told_at_the_door_too(tmp_path: Path) -> None:
    settings = {"PARLEY_OIDC_ISSUER": "http://127.0.0.1:1", "PARLEY_OIDC_CLIENT_ID": CLIENT}
    async with running(tmp_path, **settings) as house, house.browser(accept="text/html") as browser:
        assert (await browser.get("/api/session/oidc")).status_code == 303
        refused = (await browser.get("/api/session/ways")).json()["refused"]
        assert "does not answer" in refused["detail"]
        assert "try again" in refused["remedy"]


async def test_roles_by_setting_and_another_way_to_show_the_secret(tmp_path: Path) -> None:
    table = {"PARLEY_OIDC_ROLE_CLAIM": "realm_access.roles", "PARLEY_OIDC_ROLES": "admin=ops,viewer=*"}
    async with both(tmp_path, **table) as (house, provider), house.browser() as browser:
        provider.discovered = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        for realm, role in ((["ops"], "admin"), (["dev"], "viewer")):
            provider.people["ada"] = {"realm_access": {"roles": realm}}
            assert (await log_in(browser)).status_code == 303
            assert (await browser.get("/api/session/me")).json()["role"] == role


async def test_a_provider_changes_its_keys(tmp_path: Path) -> None:
    async with IdentityProvider() as provider, httpx.AsyncClient() as client:
        now = 1000.0
        known = Provider(provider.issuer, client, lambda: now)
        from joserfc import jwt

        def token() -> str:
            return jwt.encode({"alg": "RS256", "kid": provider._key.kid}, {"sub": "x"}, provider._key)

        assert (await known.claims(token()))["sub"] == "x"
        provider.new_key()
        with pytest.raises(Exception, match="not signed as it should be"):
            await known.claims(token())
        assert provider.asked.count("/keys") == 1, "a forged token does not make us ask each time"
        now += KEYS_AGAIN_S + 1
        assert (await known.claims(token()))["sub"] == "x"
        for forged in (
            "",
            "a.b.c",
            token()[:-4] + "AAAA",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        ):
            with pytest.raises(Exception, match="not signed as it should be"):
                await known.claims(forged)


@pytest.mark.parametrize(
    "discovered",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": None},
        {"filler": "x" * 600_000},
    ],
)
async def test_a_provider_that_is_none(tmp_path: Path, discovered: dict[str, Any]) -> None:
    async with both(tmp_path) as (house, provider), house.browser() as browser:
        provider.discovered = discovered
        answer = await browser.get("/api/session/oidc")
        assert answer.status_code == 503
        assert "OIDC provider" in answer.json()["detail"]


async def test_a_provider_that_is_away(tmp_path: Path) -> None:
    settings = {"PARLEY_OIDC_ISSUER": "http://127.0.0.1:1", "PARLEY_OIDC_CLIENT_ID": CLIENT}
    async with running(tmp_path, **settings) as house, house.browser() as browser:
        answer = await browser.get("/api/session/oidc")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    for wrong, said in (
        ({**settings, "PARLEY_OIDC_ISSUER": "http://sso.example.com"}, "PARLEY_OIDC_ISSUER"),
        ({**settings, "PARLEY_OIDC_CLIENT_ID": ""}, "PARLEY_OIDC_CLIENT_ID"),
    ):
        with pytest.raises(Misconfigured, match=said):
            async with running(tmp_path, **wrong):
                pass
