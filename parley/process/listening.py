"""The socket of a process that speaks HTTP, bound before anything else starts."""

from __future__ import annotations

import socket

from parley.errors import Misconfigured


def bound_socket(host: str, port: int, variable: str) -> socket.socket:
    """Raises Misconfigured, naming the setting, when the port is taken or the address is not ours."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        raise Misconfigured(
            f"{variable}: {host}:{port} cannot be bound ({error.strerror}); choose another port, or 0"
        ) from error
    return bound
