"""uvicorn's WebSocket protocol with a short way for sound.

A telephone sends 50 messages a second. On the usual way each passes three generators, a queue, a task's wake-up and two
changes of the poller (reading is paused until the message was read); that costs more than all the ears do with it.
"""

from __future__ import annotations

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # a build of the library without its C extension
    from websockets.utils import apply_mask

TEXT, BINARY = 0x81, 0x82
"""First byte of a message in one frame: FIN and the opcode (RFC 6455, 5.2)."""


class TappedProtocol(WebSocketsSansIOProtocol):
    """Whole messages are offered to `tap` in the order they came; what it does not take goes the usual way.

    Frames are cut here, so that the library always stands between two of them. Nothing overtakes a message that waits
    to be read, and no frame is judged here: an unusual one ends the short way for good.
    """

    tap: Callable[[bytes], bool] | None = None
    tapped = TEXT
    _rest = b""
    _usual = False

    def data_received(self, data: bytes) -> None:
        if self._usual or not self.handshake_initiated:
            super().data_received(data)
            return
        if self._rest:
            data = self._rest + data
        at = 0
        while (end := self._frame_end(data, at)) and end <= len(data):
            if self.transport.is_closing():
                return
            self._frame(data, at, end)
            at = end
        if end is None:
            self._usual, self._rest = True, b""
            super().data_received(data[at:])
        else:
            self._rest = data[at:]

    def _frame_end(self, data: bytes, at: int) -> int | None:
        """Where the frame that begins at `at` ends; 0 when its head is not whole, None for an unusual one."""
        if len(data) < at + 4:
            return 0
        length, head = data[at + 1] - 0x80, 6  # a client's frames are masked
        if length == 126:
            length, head = int.from_bytes(data[at + 2 : at + 4], "big"), 8
        elif length == 127:
            return None
        return at + head + length if 0 <= length <= self.config.ws_max_size else None

    def _frame(self, data: bytes, at: int, end: int) -> None:
        if data[at] == self.tapped and self.tap is not None and self.conn.cur_size is None and self.queue.empty():
            mask = at + (4 if data[at + 1] == 0xFE else 2)
            if not self.close_sent and self.tap(apply_mask(data[mask + 4 : end], data[mask : mask + 4])):
                return
        super().data_received(data[at:end])
