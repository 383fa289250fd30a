/** Where the call stands and whose turn it is, in one line and by colour. */

const FLOOR = { listening: "caller", paused: "caller", thinking: "agent", speaking: "agent" };

export class Status {
  /**
   * @param {HTMLElement} phone carries `data-phase`, `data-state` and `data-floor` for the style
   * @param {HTMLElement} line
   * @param {HTMLElement} clock
   */
  constructor(phone, line, clock) {
    this._phone = phone;
    this._line = line;
    this._clock = clock;
    this._agent = "The agent";
    this._state = "";
    this._aloud = true;
    this._beganAt = 0;
    this._timer = 0;
    this._button = "";
  }

  /**
   * @param {string} agent
   * @param {boolean} aloud a spoken call, not a chat
   */
  begin(agent, aloud) {
    this._agent = agent;
    this._aloud = aloud;
    this._state = "";
    this._clock.textContent = "";
    this._beganAt = 0;
  }

  /**
   * Before any call.
   *
   * @param {boolean} typing nobody speaks here
   */
  idle(typing = false) {
    this._set("idle", "", typing ? "Say hello" : "Press to call");
  }

  asking() {
    this._set("ringing", "", "Waiting for your microphone");
  }

  /**
   * @param {import("./call.js").Phase} phase
   * @param {string} reason of the end
   */
  phase(phase, reason) {
    if (phase === "talking") {
      this._startClock();
      this._set("talking", this._state, this._words(this._state));
    } else {
      if (phase === "ended") clearInterval(this._timer);
      this._state = "";
      const words = { ringing: "Ringing", reconnecting: "Connection lost, coming back", ended: reason };
      this._set(phase, "", words[phase]);
    }
  }

  /** @param {string} state `listening`, `thinking`, `speaking`, `paused` */
  state(state) {
    this._state = state;
    this._set("talking", state, this._words(state));
  }

  /**
   * @param {boolean} on the caller speaks by button
   * @param {boolean} held
   */
  byButton(on, held) {
    this._button = on ? (held ? "held" : "free") : "";
    this._phone.dataset.button = this._button;
    if (this._phone.dataset.phase === "talking") this._set("talking", this._state, this._words(this._state));
  }

  /** @param {string} state */
  _words(state) {
    const listening = { held: "You are on the air", free: "Hold the button to talk" };
    if (this._button === "held") return listening.held;
    const words = {
      listening: this._aloud ? (listening[this._button] ?? "Listening to you") : "Your turn",
      thinking: `${this._agent} is thinking`,
      speaking: this._aloud ? `${this._agent} is speaking` : `${this._agent} is writing`,
      paused: `${this._agent} paused to hear you`,
    };
    return words[state] ?? "Connected";
  }

  /**
   * @param {string} phase
   * @param {string} state
   * @param {string} words
   */
  _set(phase, state, words) {
    this._phone.dataset.phase = phase;
    this._phone.dataset.state = state;
    this._phone.dataset.floor = FLOOR[state] ?? "none";
    if (this._line.textContent !== words) this._line.textContent = words;
  }

  _startClock() {
    if (this._beganAt) return;
    this._beganAt = performance.now();
    clearInterval(this._timer);
    this._timer = setInterval(() => this._tick(), 1000);
    this._tick();
  }

  _tick() {
    const seconds = Math.floor((performance.now() - this._beganAt) / 1000);
    const pad = (/** @type {number} */ number) => String(number).padStart(2, "0");
    this._clock.textContent = `${Math.floor(seconds / 60)}:${pad(seconds % 60)}`;
  }
}
