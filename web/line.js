/** One connection to the gateway: control as JSON, sound as binary. See docs/protocol.md. */

const READY_MS = 10_000;
/** A call that comes back tries more often. */
const READY_AGAIN_MS = 5_000;
const PING_MS = 2_000;
/** So long after a ping to which nothing came the connection is dead, whatever the network says. */
const DEAD_MS = 6_000;
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
   * @param {{token: string, again?: number}} key `again`: a token for coming back was used so often and nothing came
   * @param {LineListener} listener
   */
  constructor(door, key, listener) {
    this._listener = listener;
    this._closed = false;
    const patience = key.again === undefined ? READY_MS : READY_AGAIN_MS;
    this._alarm = setTimeout(() => this._end(UNREACHABLE, "the gateway does not answer"), patience);
    this._pings = 0;
    this._unansweredSince = 0;
    /** The token was sent: whether it was taken is known only if an answer comes. */
    this.asked = false;
    /** Round trip in ms, once known. */
    this.roundTrip = NaN;
    /** Frames not sent, because the connection did not take them. */
    this.dropped = 0;
    const url = new URL(`/ws/${door}`, window.location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this._socket = new WebSocket(url);
    this._socket.binaryType = "arraybuffer";
    this._socket.onopen = () => {
      this.asked = true;
      this.tell({ type: "start", ...key });
    };
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
    this._unansweredSince = 0;
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
    const now = performance.now();
    this._unansweredSince ||= now;
    if (now - this._unansweredSince > DEAD_MS) this._end(UNREACHABLE, "the gateway has gone silent");
    else this.tell({ type: "ping", t: now });
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
