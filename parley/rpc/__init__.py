"""gRPC between services: how one serves (`server`), how it finds and calls others (`peers`), errors (`status`),
what one does about a lost stream (`reopened`, by the rules of `reopening`; `writer`)."""

from parley.rpc.peers import Peer, Peers, call
from parley.rpc.server import Admission, Server, run
from parley.rpc.status import from_rpc, mapped, to_status
from parley.rpc.stream import CallStream

__all__ = ["Admission", "CallStream", "Peer", "Peers", "Server", "call", "from_rpc", "mapped", "run", "to_status"]
