from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.tools.http.shop import Shop, open_shop
from tests.tools.service import Desk, serving, settings

YAML = "company: A\ngreeting: Hello.\nprompt: You are A.\n"
SECRET = "s3cr3t-of-the-shop"


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as opened:
        yield opened


def write(folder: Path, tools: str, **more: str) -> None:
    home = folder / "a"
    home.mkdir(parents=True, exist_ok=True)
    (home / "agent.yaml").write_text(more.pop("agent", YAML))
    (home / "tools.yaml").write_text(tools)
    for name, text in more.items():
        (home / name.replace("__", ".")).write_text(text)


Open = Callable[..., "AsyncIterator[Desk]"]


@pytest.fixture
async def serve(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., object]]:
    """`await serve(tools)`: an agent with this tools.yaml, in which SHOP/ is the shop's address, is served."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PARLEY_SECRET_SHOP_KEY", SECRET)
    stack = AsyncExitStack()

    async def open_desk(tools: str, **more: str) -> Desk:
        text = {name: each.replace("SHOP/", f"{shop.url}/") for name, each in more.items()}
        write(tmp_path / "agents", tools.replace("SHOP/", f"{shop.url}/"), **text)
        return await stack.enter_async_context(serving(settings(tmp_path / "data", tmp_path / "agents", "a")))

    async with stack:
        yield open_desk
