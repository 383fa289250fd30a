"""The console's page and files, as a browser is given them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from services.backoffice import console

WEB = Path(console.FOLDER)


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    console.mount(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://console") as client:
        yield client


async def test_the_door_leads_to_the_console(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/admin"


@pytest.mark.parametrize("path", ["/admin", "/admin/calls", "/admin/calls/CA1", "/tracker"])
async def test_every_address_is_the_one_page(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 200
    assert "<title>Parley console</title>" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/admin", "/admin/files/admin/app.js", "/admin/files/base.css"])
async def test_what_a_browser_has_is_not_sent_again(browser: httpx.AsyncClient, path: str) -> None:
    first = await browser.get(path)
    again = await browser.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert not again.content


async def test_files_of_another_folder_are_not_served(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/admin/files/%2e%2e/pyproject.toml")).status_code == 404
    assert (await browser.get("/admin/files/nothing.js")).status_code == 404


async def test_every_file_that_is_named_is_there(browser: httpx.AsyncClient) -> None:
    page = (WEB / "admin" / "index.html").read_text()
    named = re.findall(r'(?:href|src)="(/admin/files/[^"]+)"', page)
    assert len(named) > 5
    for address in named:
        assert (await browser.get(address)).status_code == 200, address
    for module in (WEB / "admin").rglob("*.js"):
        for target in re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', module.read_text()):
            assert (module.parent / target).resolve().is_file(), f"{module}: {target}"


def test_no_page_has_a_style_or_a_script_of_its_own() -> None:
    """The policy would refuse it."""
    for file in [WEB / "admin" / "index.html", *(WEB / "admin").rglob("*.js")]:
        text = file.read_text()
        assert not re.search(r"\sstyle=|<style|innerHTML|setAttribute\(.style|\{ style: ", text), file
        assert not re.search(r"<script(?![^>]*src)", text), file
