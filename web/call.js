/** One call from dialling to its end, over as many connections as it takes. */

import { fetchSession } from "./agent.js";
import { Line } from "./line.js";

const GIVE_UP_MS = 30_000;
const PROVEN_MS = 5_000;
const DELAYS_MS = [0, 300, 700, 1500, 2000];
const GOODBYE_MS = 1_500;
/** Frames kept while the connection is away: 3 s. */
const MAX_KEPT = 150;

const OVER = 1000;
const NOT_UNDERSTOOD = 1008;
const SUPERSEDED = 4001;
const TOKEN_REFUSED = 4003;
const NO_SUCH_CALL = 4004;
const TRY_AGAIN = 1013;
/** Not a loss: the far end meant it, and coming back would end the same way. */
const FINAL = new Set([OVER, 1003, 1007, NOT_UNDERSTOOD, 1009, SUPERSEDED, TOKEN_REFUSED, NO_SUCH_CALL]);

/**
 * @typedef {"ringing" | "talking" | "reconnecting" | "ended"} Phase
 *
 * @typedef {object} CallListener
 * @property {(phase: Phase, reason: string, failed: boolean) => void} phase
 * @property {(message: Record<string, any>, leg: number) => void} message what the gateway says, but for sound and marks
 * @property {(level: number) => void} voiceLevel
 * @property {(level: number) => void} micLevel
 */

export class Call {
  /**
   * @param {"voice" | "chat"} door
   * @param {CallListener} listener
   */
  constructor(door, listener) {
    this.door = door;
    this.phase = /** @type {Phase} */ ("ringing");
    this.leg = 0;
    this.id = "";
    this._listener = listener;
    this._ready = false;
    this._readyAt = 0;
    this._lostAt = 0;
    this._tries = 0;
    this._resume = "";
    this._again = 0;
    this._ended = "";
    this._hangingUp = false;
    /** @type {Array<Record<string, unknown>>} */
    this._unsaid = [];
    /** @type {ArrayBuffer[]} */
    this._kept = [];
    this._timer = 0;
    /** @type {Line | null} */
    this._line = null;
    /** @type {import("./microphone.js").Microphone | null} */
    this.microphone = null;
    /** @type {import("./speaker.js").Speaker | null} */
    this.speaker = null;
    this._droppedBefore = 0;
    /** Between two tries to come back. */
    this._waiting = false;
    this._online = () => this._waiting && this._try();
    window.addEventListener("online", this._online);
    this._byButton = false;
    this._pressed = false;
  }

  /**
   * @param {string} agent
   * @returns {Promise<import("./agent.js").Agent>} as its files are now; raises GatewayTrouble
   */
  async dial(agent) {
    const session = await fetchSession(agent, this.door);
    if (this.phase === "ended") return session;
    this.id = session.call_id;
    this._connect({ token: session.token });
    return session;
  }

  /** @param {import("./headset.js").Headset} headset stays its owner's, to be closed when the call has ended */
  attach({ microphone, speaker }) {
    this.microphone = microphone;
    this.speaker = speaker;
    microphone.onframe = (frame, level) => {
      const heard = !this._byButton || this._pressed;
      this._listener.micLevel(heard ? level : 0);
      if (heard) this._send(frame);
    };
    speaker.onlevel = (level) => this._listener.voiceLevel(level);
    speaker.onmark = (tag) => this._marked(/** @type {{leg: number, name: string}} */ (tag));
  }

  /** @param {string} text typed instead of spoken */
  type(text) {
    const message = { type: "text", text };
    if (this._ready) this._line?.tell(message);
    else if (this._unsaid.length < 10) this._unsaid.push(message);
  }

  /** @param {boolean} on the microphone is heard only while the button is held, and only the button ends a turn */
  pushToTalk(on) {
    if (this.door !== "voice" || on === this._byButton) return;
    this._byButton = on;
    if (this._ready) this._line?.tell({ type: "push_to_talk", on });
  }

  /** @param {boolean} pressed */
  press(pressed) {
    this._pressed = pressed;
    if (this._ready) this._line?.tell({ type: "button", pressed });
  }

  /** Ends the call; the gateway is told, so that it does not wait for the caller to come back. */
  hangUp() {
    if (this.phase === "ended") return;
    this._hangingUp = true;
    if (this._line === null || !this._ready) {
      this._line?.tell({ type: "hang_up" });
      this._end("You hung up.", false);
      return;
    }
    this._line.tell({ type: "hang_up" });
    this.speaker?.clear();
    this.microphone?.mute(true);
    this._timer = setTimeout(() => this._end("You hung up.", false), GOODBYE_MS);
  }

  /** What the connection is like. */
  get quality() {
    return {
      roundTrip: this._line?.roundTrip ?? NaN,
      underruns: this.speaker?.underruns ?? 0,
      overruns: this.speaker?.overruns ?? 0,
      dropped: this._droppedBefore + (this._line?.dropped ?? 0),
      legs: this.leg,
    };
  }

  /** @param {{token: string, again?: number}} key */
  _connect(key) {
    this._ready = false;
    this._line = new Line(this.door, key, {
      message: (message) => this._take(message),
      sound: (data) => this.speaker?.play(data),
      closed: (code, reason) => this._closed(code, reason),
    });
  }

  /** @param {Record<string, any>} message */
  _take(message) {
    if (message.type === "mark") this.speaker?.mark({ leg: this.leg, name: message.name });
    else if (message.type === "clear") this.speaker?.clear();
    else {
      if (message.type === "ready") this._answered(message);
      if (message.type === "ended") this._ended = message.reason || "over";
      this._listener.message(message, this.leg);
    }
  }

  /** @param {Record<string, any>} message */
  _answered(message) {
    this.leg = message.leg;
    this._resume = message.resume;
    this._again = 0;
    this._ready = true;
    this._readyAt = performance.now();
    if (this._byButton) this._line?.tell({ type: "push_to_talk", on: true });
    if (this._pressed) this._line?.tell({ type: "button", pressed: true });
    for (const frame of this._kept.splice(0)) this._line?.send(frame);
    for (const text of this._unsaid.splice(0)) this._line?.tell(text);
    this._become("talking", "");
  }

  /** @param {ArrayBuffer} frame */
  _send(frame) {
    if (this._ready) this._line?.send(frame);
    else if (this.phase === "reconnecting") {
      this._kept.push(frame);
      if (this._kept.length > MAX_KEPT) this._kept.shift();
    }
  }

  /** @param {{leg: number, name: string}} mark */
  _marked({ leg, name }) {
    // A mark of a lost connection means nothing on the next.
    if (this._ready && leg === this.leg) this._line?.tell({ type: "mark", name });
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  _closed(code, reason) {
    const wasReady = this._ready;
    if (this._resume && !wasReady && this._line?.asked) this._again += 1;
    this._droppedBefore += this._line?.dropped ?? 0;
    this._line = null;
    this._ready = false;
    if (this.phase === "ended") return;
    this.speaker?.clear();
    if (this._hangingUp) this._end("You hung up.", false);
    else if (this._ended) this._end("The call is over.", false);
    else if (!this._resume || (FINAL.has(code) && !(code === NOT_UNDERSTOOD && !wasReady))) {
      this._end(...lastWords(code, reason, this._resume !== ""));
    } else this._comeBack(wasReady);
  }

  /** @param {boolean} wasReady */
  _comeBack(wasReady) {
    const now = performance.now();
    // A connection that broke at once again does not start the count anew.
    if (this.phase === "talking" && wasReady && now - this._readyAt > PROVEN_MS) this._tries = 0;
    if (this._tries === 0) this._lostAt = now;
    if (now - this._lostAt > GIVE_UP_MS) {
      this._end("The connection was lost and did not come back.", true);
      return;
    }
    const delay = DELAYS_MS[Math.min(this._tries, DELAYS_MS.length - 1)];
    this._tries += 1;
    this._become("reconnecting", "");
    this._timer = setTimeout(() => this._try(), delay);
    this._waiting = true;
  }

  _try() {
    clearTimeout(this._timer);
    this._waiting = false;
    this._connect({ token: this._resume, again: this._again });
  }

  /**
   * @param {Phase} phase
   * @param {string} reason
   * @param {boolean} failed
   */
  _become(phase, reason, failed = false) {
    this.phase = phase;
    this._listener.phase(phase, reason, failed);
  }

  /**
   * @param {string} reason
   * @param {boolean} failed
   */
  _end(reason, failed) {
    if (this.phase === "ended") return;
    clearTimeout(this._timer);
    window.removeEventListener("online", this._online);
    this.phase = "ended";
    this._line?.close();
    this._listener.phase("ended", reason, failed);
  }
}

/**
 * @param {number} code
 * @param {string} reason as the gateway gave it
 * @param {boolean} begun the call had been answered
 * @returns {[string, boolean]} what to tell, and whether something went wrong
 */
function lastWords(code, reason, begun) {
  if (code === OVER || (code === NO_SUCH_CALL && begun)) return ["The call is over.", false];
  if (code === SUPERSEDED) return ["This call goes on in another place.", false];
  if (code === TRY_AGAIN) {
    const why = reason || "all lines are busy; try again in a moment";
    return [`${why[0].toUpperCase()}${why.slice(1)}.`, true];
  }
  if (code === TOKEN_REFUSED) {
    return [begun ? "The call could not be taken up again. Call again to start anew." : `Not let in: ${reason}.`, true];
  }
  if (!begun) return [`The gateway cannot be reached${reason ? `: ${reason}` : ""}. Try again in a moment.`, true];
  return [`The gateway ended the call (${code}${reason ? `: ${reason}` : ""}).`, true];
}
