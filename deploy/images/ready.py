"""The images' HEALTHCHECK: exit status 0 when this container's service takes new work, as its `/ready` says.

Runs every few seconds, so it imports next to nothing.
"""

import os
import socket
import sys

TIMEOUT_S = 5.0


def main() -> int:
    port = int(os.environ["PARLEY_METRICS_PORT"])
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            connection.sendall(b"GET /ready HTTP/1.0\r\n\r\n")
            answer = connection.makefile("rb").read(4096)
    except OSError as e:
        sys.stdout.write(f"no answer at port {port}: {e}\n")
        return 1
    sys.stdout.write(answer.rpartition(b"\r\n")[2].decode(errors="replace") + "\n")
    return 0 if answer.split(b" ", 2)[1:2] == [b"200"] else 1


if __name__ == "__main__":
    sys.exit(main())
