/** One connection to the gateway: control as JSON, sound as binary. See docs/protocol.md. */

const READY_MS = 10_000;
const PING_MS = 5_000;
const DEAD_MS = 15_000;
const MAX_UNSENT = 160_000;

/** Close codes of our own, for what no far end has said. */
export const UNREACHABLE = 1006;

/**
 * @typedef {object} LineListener
 * @property {(message: Record<string, any>) => void} message control from the gateway
 * @property {(data: ArrayBuffer) => void} sound
 * @property {(code: number, reason: string) => void} closed once, at the end
 */

export class Line {
  /**
   * @param {"voice" | "chat"} door
   * @param {string} token
   * @param {LineListener} listener
   */
  constructor(door, token, listener) {
    this._listener = listener;
    this._closed = false;
    this._heardAt = performance.now();
    this._alarm = setTimeout(() => this._end(UNREACHABLE, "the gateway does not answer"), READY_MS);
    this._pings = 0;
    /** Round trip in ms, once known. */
    this.roundTrip = NaN;
    /** Frames not sent, because the connection did not take them. */
    this.dropped = 0;
    const url = new URL(`/ws/${door}`, window.location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this._socket = new WebSocket(url);
    this._socket.binaryType = "arraybuffer";
    this._socket.onopen = () => this.tell({ type: "start", token });
    this._socket.onmessage = ({ data }) => this._take(data);
    this._socket.onclose = ({ code, reason }) => this._end(code, reason);
  }

  /** @param {Record<string, unknown>} message */
  tell(message) {
    if (this._socket.readyState === WebSocket.OPEN) this._socket.send(JSON.stringify(message));
  }

  /** @param {ArrayBuffer} frame */
  send(frame) {
    if (this._socket.readyState !== WebSocket.OPEN || this._socket.bufferedAmount > MAX_UNSENT) this.dropped += 1;
    else this._socket.send(frame);
  }

  close() {
    this._end(1000, "closed here");
  }

  /** @param {string | ArrayBuffer} data */
  _take(data) {
    this._heardAt = performance.now();
    if (typeof data !== "string") {
      this._listener.sound(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "pong") {
      this.roundTrip = performance.now() - message.t;
      return;
    }
    if (message.type === "ready") {
      clearTimeout(this._alarm);
      this._pings = setInterval(() => this._ping(), PING_MS);
      this._ping();
    }
    this._listener.message(message);
  }

  _ping() {
    if (performance.now() - this._heardAt > DEAD_MS) this._end(UNREACHABLE, "the gateway has gone silent");
    else this.tell({ type: "ping", t: performance.now() });
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  _end(code, reason) {
    if (this._closed) return;
    this._closed = true;
    clearTimeout(this._alarm);
    clearInterval(this._pings);
    this._socket.onopen = this._socket.onmessage = this._socket.onclose = null;
    this._socket.close();
    this._listener.closed(code, reason);
  }
}
