"""The softphone page's files, with what a browser must know to keep them safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import HTTPException, Response
from fastapi.staticfiles import StaticFiles

import web
from parley.page_headers import PAGE_HEADERS

PAGE = Path(web.__file__).parent


CONSOLE = "admin"


class PageFiles(StaticFiles):
    """Serves `web/`, but for the console: that is backoffice's, and behind a login there."""

    def __init__(self) -> None:
        super().__init__(directory=PAGE, html=True)

    async def get_response(self, path: str, scope: Any) -> Response:
        if Path(path).parts[:1] == (CONSOLE,):
            raise HTTPException(404)
        return await super().get_response(path, scope)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(PAGE_HEADERS)
        return response
