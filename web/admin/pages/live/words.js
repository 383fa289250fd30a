/** What both sides say, with the tools that ran in between, as it happens. */

import { fill, h, unseen } from "../../kit/dom.js";
import { icon } from "../../kit/icons.js";
import { millis, spaced } from "../../kit/format.js";
import { pill } from "../../kit/pills.js";

const MAX_RESULT = 160;
/** Kinds of lines that need no word. */
const PLAIN = new Set(["answer", "said", "speech", "", undefined]);
const FOLLOWS_PX = 260;

/** Lines are known by number and may change; one is for who listens in, so the caller is not "you". */
export class Words {
  constructor() {
    this.list = h("ol", { class: "log" });
    this.box = h("div", { class: "log-box", role: "log", "aria-label": "What is said", tabindex: "0" }, this.list);
    this._agent = "Agent";
    /** @type {Map<number, HTMLElement>} */
    this._lines = new Map();
    /** @type {Map<number, HTMLElement>} */
    this._tools = new Map();
    this._hearing = h("li", { class: "entry caller", hidden: true });
  }

  /** @param {string} agent */
  begin(agent) {
    this._agent = agent;
    this._lines.clear();
    this._tools.clear();
    fill(this.list, this._hearing);
  }

  /** @param {any} line new, or the same again with more of it */
  line(line) {
    this._put(this._lines, line.n, said(line, this._agent));
  }

  /** @param {any} tool */
  tool(tool) {
    this._put(this._tools, tool.intent, ran(tool));
  }

  /** @param {string} text the caller's words so far, of a turn that goes on */
  hearing(text) {
    this._hearing.hidden = !text;
    if (text)
      fill(
        this._hearing,
        h("span", { class: "who" }, "Caller"),
        h("p", { class: "words" }, h("span", { class: "open" }, text)),
      );
    this._follow();
  }

  close() {
    this._hearing.hidden = true;
  }

  /**
   * @param {Map<number, HTMLElement>} known
   * @param {number} key
   * @param {HTMLElement} item
   */
  _put(known, key, item) {
    const before = known.get(key);
    if (before) before.replaceWith(item);
    else this.list.insertBefore(item, this._hearing);
    known.set(key, item);
    this._follow();
  }

  /** Somebody who reads further up is left there. */
  _follow() {
    const { box } = this;
    if (box.scrollHeight - box.scrollTop - box.clientHeight < FOLLOWS_PX) box.scrollTop = box.scrollHeight;
  }
}

/**
 * @param {any} line
 * @param {string} agent
 */
export function said(line, agent) {
  const bot = line.who === "bot";
  const characters = [...line.text];
  const whole = !bot || line.status === "heard" || line.heard >= characters.length;
  const cut = bot && line.status === "cut" && !whole;
  const heard = whole ? line.text : characters.slice(0, line.heard).join("");
  const rest = whole ? "" : characters.slice(line.heard).join("");
  return h(
    "li",
    { class: `entry ${bot ? "agent" : "caller"}${cut ? " cut" : ""}`, "data-n": line.n },
    h(
      "span",
      { class: "who" },
      bot ? agent : "Caller",
      !PLAIN.has(line.kind) && h("span", { class: "chip" }, line.kind),
      cut && h("span", { class: "chip" }, line.heard ? "interrupted here" : "not heard"),
      line.emotion && line.emotion !== "neutral" && pill(line.emotion),
    ),
    h(
      "p",
      { class: "words" },
      h("span", { class: "settled" }, heard),
      rest && h("span", { class: "open" }, cut && unseen(" Not heard: "), rest),
    ),
  );
}

/** @param {any} tool */
export function ran(tool) {
  const given = Object.entries(tool.arguments ?? {});
  return h(
    "li",
    { class: "entry ran", "data-intent": tool.intent },
    icon("tool"),
    h("span", { class: "name" }, tool.name),
    given.length > 0 &&
      h("code", { class: "given" }, given.map(([key, value]) => `${key}: ${plain(value)}`).join(", ")),
    pill(
      tool.status,
      { ok: "good", running: "wait", failed: "bad", refused: "bad" }[tool.status] ?? "warn",
      tool.status === "ok" ? "done" : spaced(tool.status),
    ),
    tool.ms !== null && tool.ms !== undefined && h("span", { class: "took" }, millis(tool.ms)),
    tool.message && h("span", { class: "message" }, tool.message),
    tool.result && tool.result !== "{}" && h("code", { class: "result", title: tool.result }, short(tool.result)),
  );
}

/** @param {string} text */
function short(text) {
  return text.length > MAX_RESULT ? `${text.slice(0, MAX_RESULT)}…` : text;
}

/** @param {unknown} value */
function plain(value) {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
