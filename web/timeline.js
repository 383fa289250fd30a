/** Who spoke when, where the bot paused and why, and where it was interrupted: the call as two lanes over time. */

const SPAN_MS = 60_000;
const TICK_MS = 10_000;
const REDRAW_MS = 250;
const MAX_SPANS = 400;
const MAX_TOLD = 50;

const PAUSES = { reflex: "a sound", button: "the button" };
const RESUMES = { told: "it was nothing", unconfirmed: "no speech followed", lease: "nobody went on" };

/**
 * @typedef {object} Span
 * @property {"caller" | "agent"} lane
 * @property {string} kind `voice`, `air` (the button is held), `held` (the bot is paused), `cut`, `typed`
 * @property {number} from ms on the gateway's clock, moved to this page's
 * @property {number | null} until null: it goes on
 * @property {string} title
 * @property {HTMLElement} mark
 */

export class Timeline {
  /**
   * @param {HTMLElement} figure
   * @param {{caller: HTMLElement, agent: HTMLElement, axis: HTMLElement, latest: HTMLElement, told: HTMLElement}} parts
   *   two lanes, their scale, the latest event in words, and all of them as a list
   * @param {string} caller who that is to whoever looks
   */
  constructor(figure, parts, caller = "you") {
    this._figure = figure;
    this._parts = parts;
    this._caller = caller;
    /** @type {Span[]} */
    this._spans = [];
    this._beganAt = 0;
    this._offset = 0;
    this._timer = 0;
    this._endedAt = 0;
  }

  begin() {
    clearInterval(this._timer);
    for (const span of this._spans) span.mark.remove();
    this._spans = [];
    this._beganAt = this._endedAt = 0;
    this._parts.axis.replaceChildren();
    this._parts.told.replaceChildren();
    this._parts.latest.textContent = "";
    this._figure.hidden = true;
  }

  /** @param {number} nowMs what the gateway's clock shows now; another gateway has another clock */
  sync(nowMs) {
    this._offset = performance.now() - nowMs;
    if (this._beganAt) return;
    this._beganAt = performance.now();
    this._timer = setInterval(() => this._draw(), REDRAW_MS);
    this._figure.hidden = false;
    this._draw();
  }

  /** The call is over: time stands still. */
  end() {
    clearInterval(this._timer);
    if (!this._beganAt || this._endedAt) return;
    this._endedAt = performance.now();
    for (const span of this._spans) span.until ??= this._endedAt;
    this._draw();
  }

  /** @param {Record<string, any>} moment */
  moment(moment) {
    const at = moment.at_ms + this._offset;
    const own = this._open("caller", "voice");
    const bot = this._of(moment.utterance);
    if (moment.what === "speech_started") own ?? this._add("caller", "voice", at, this._did("spoke"));
    else if (moment.what === "speech_stopped" || moment.what === "turn_ended") close(own, at);
    else if (moment.what === "button" && moment.pressed) this._add("caller", "air", at, "Button held");
    else if (moment.what === "button") close(this._open("caller", "air"), at);
    else if (moment.what === "reflex") this._tell(at, moment.armed ? "pauses at sounds again" : "no longer pauses at sounds");
    else if (moment.what === "typed") this._add("caller", "typed", at, this._did("typed"), at);
    else if (moment.what === "utterance_started") this._voice(moment.utterance, at);
    else if (moment.what === "paused") this._paused(moment, bot, at);
    else if (moment.what === "resumed") this._resumed(moment, bot, at);
    else if (moment.what === "heard") this._over(moment, bot, at);
    this._draw();
  }

  /** @param {number} atMs when the caller's last word really ended: what ends a span is known only later */
  spokenUntil(atMs) {
    const last = this._spans.findLast((span) => span.lane === "caller" && span.kind === "voice");
    const at = atMs + this._offset;
    if (last && at > last.from) last.until = Math.min(last.until ?? at, at);
  }

  /** @param {string} what the caller did */
  _did(what) {
    return `${this._caller[0].toUpperCase()}${this._caller.slice(1)} ${what}`;
  }

  /**
   * @param {number} utterance
   * @param {number} at
   */
  _voice(utterance, at) {
    this._add("agent", "voice", at, "The agent spoke").mark.dataset.utterance = String(utterance);
  }

  /**
   * @param {Record<string, any>} moment
   * @param {Span | undefined} bot
   * @param {number} at
   */
  _paused(moment, bot, at) {
    close(bot, at);
    const why = moment.cause === "speech" ? `${this._caller} spoke` : (PAUSES[moment.cause] ?? moment.cause);
    const held = this._add("agent", "held", at, `Paused: ${why}`);
    held.mark.dataset.utterance = String(moment.utterance);
    held.mark.dataset.cause = moment.cause;
    this._tell(at, `paused: ${why}`);
  }

  /**
   * @param {Record<string, any>} moment
   * @param {Span | undefined} held
   * @param {number} at
   */
  _resumed(moment, held, at) {
    const why = RESUMES[moment.cause] ?? moment.cause;
    close(held, at);
    const after = held ? ` after ${((at - held.from) / 1000).toFixed(1)} s` : "";
    if (held) held.title += `, went on${after}: ${why}`;
    this._voice(moment.utterance, at);
    this._tell(at, `went on${after}: ${why}`);
  }

  /**
   * @param {Record<string, any>} moment
   * @param {Span | undefined} bot
   * @param {number} at
   */
  _over(moment, bot, at) {
    close(bot, at);
    if (!moment.cut || !bot) return;
    const where = bot.kind === "held" ? bot.from : at;
    this._add("agent", "cut", where, "Interrupted", where);
    this._tell(where, "interrupted");
  }

  /**
   * @param {"caller" | "agent"} lane
   * @param {string} kind
   * @param {number} from
   * @param {string} title
   * @param {number | null} until
   * @returns {Span}
   */
  _add(lane, kind, from, title, until = null) {
    const mark = document.createElement("span");
    mark.className = kind;
    this._parts[lane].append(mark);
    const span = { lane, kind, from, until, title, mark };
    this._spans.push(span);
    if (this._spans.length > MAX_SPANS) this._spans.shift()?.mark.remove();
    return span;
  }

  /**
   * @param {"caller" | "agent"} lane
   * @param {string} kind
   */
  _open(lane, kind) {
    return this._spans.findLast((span) => span.lane === lane && span.kind === kind && span.until === null);
  }

  /** @param {number | undefined} utterance what goes on of it: its voice, or the pause in it */
  _of(utterance) {
    const name = String(utterance);
    return this._spans.findLast((span) => span.until === null && span.mark.dataset.utterance === name);
  }

  /**
   * @param {number} at
   * @param {string} words
   */
  _tell(at, words) {
    const item = document.createElement("li");
    item.textContent = `${clock(at - this._beganAt)} ${words}`;
    this._parts.told.append(item);
    if (this._parts.told.childElementCount > MAX_TOLD) this._parts.told.firstElementChild?.remove();
    this._parts.latest.textContent = item.textContent;
  }

  _draw() {
    const now = this._endedAt || performance.now();
    const from = Math.max(this._beganAt, now - SPAN_MS);
    const length = Math.max(now - from, SPAN_MS / 2);
    const x = (/** @type {number} */ at) => (100 * (Math.max(at, from) - from)) / length;
    for (const span of this._spans) {
      const until = span.until ?? now;
      span.mark.hidden = until < from;
      span.mark.style.left = `${x(span.from)}%`;
      span.mark.style.width = `${Math.max(0, x(until) - x(span.from))}%`;
      if (span.mark.title !== span.title) span.mark.title = span.title;
    }
    this._scale(from - this._beganAt, length);
  }

  /**
   * @param {number} from ms of the call
   * @param {number} length
   */
  _scale(from, length) {
    const first = Math.ceil(from / TICK_MS);
    const count = Math.floor((from + length) / TICK_MS) - first + 1;
    const { axis } = this._parts;
    while (axis.childElementCount > count) axis.lastElementChild?.remove();
    while (axis.childElementCount < count) axis.append(document.createElement("span"));
    [...axis.children].forEach((tick, place) => {
      const at = (first + place) * TICK_MS;
      const label = clock(at);
      if (tick.textContent !== label) tick.textContent = label;
      /** @type {HTMLElement} */ (tick).style.left = `${(100 * (at - from)) / length}%`;
    });
  }
}

/**
 * @param {Span | undefined} span
 * @param {number} at
 */
function close(span, at) {
  if (span) span.until = Math.max(span.from, at);
}

/** @param {number} ms */
function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
