"""Knowledge over gRPC."""

from __future__ import annotations

from typing import Any, NoReturn

from parley import telemetry
from parley.errors import NotBuilt
from parley.v1 import rag_pb2, rag_pb2_grpc
from services.rag.library import Library


class KnowledgeServicer(rag_pb2_grpc.KnowledgeServicer):
    """Translates; the library does the work."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def Search(self, request: rag_pb2.SearchRequest, context: Any) -> rag_pb2.SearchResponse:
        with telemetry.span("rag.search", request.traceparent, call_id=request.call_id, agent=request.agent):
            found = await self._library.search(
                request.agent, request.query, request.limit, dict(request.filter), request.agent_version
            )
        return rag_pb2.SearchResponse(
            passages=[rag_pb2.FoundPassage(text=one.text, source=one.source, score=one.score) for one in found]
        )

    async def Ingest(self, request: rag_pb2.IngestRequest, context: Any) -> rag_pb2.IngestResponse:
        done = await self._library.ingest(request.agent)
        return rag_pb2.IngestResponse(
            files=done.files, changed=done.changed, removed=done.removed, passages=done.passages
        )

    async def RecallAnswer(self, request: Any, context: Any) -> NoReturn:
        raise NotBuilt("answers given before are not kept in this version; ask the language model")

    async def StoreAnswer(self, request: Any, context: Any) -> NoReturn:
        raise NotBuilt("answers given before are not kept in this version; nothing was stored")
