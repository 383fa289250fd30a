"""gRPC between services: how one serves (`server`), how it finds and calls others (`peers`), errors (`status`),
and a stream that is opened again when it is lost (`reopened`, by the rules of `reopening`)."""

from parley.rpc.peers import Peer, Peers, call
from parley.rpc.reopened import Reopened
from parley.rpc.reopening import REFUSED, Rules
from parley.rpc.server import Admission, Server, run
from parley.rpc.status import from_rpc, mapped, to_status
from parley.rpc.stream import CallStream
from parley.rpc.writer import Writer

__all__ = [
    "REFUSED",
    "Admission",
    "CallStream",
    "Peer",
    "Peers",
    "Reopened",
    "Rules",
    "Server",
    "Writer",
    "call",
    "from_rpc",
    "mapped",
    "run",
    "to_status",
]
