/** The kinds of cards, and how each shows a value. docs/pages.md has the values by example. */

import { element } from "./elements.js";
import { FormCard } from "./form_card.js";

/**
 * @typedef {object} Kind
 * @property {(value: any) => void} show the whole value, in place of the one before; raises what is not for this kind
 * @property {() => void} end the call is over
 */

const STATES = { waiting: "waiting", running: "under way", done: "done", failed: "failed" };
const TONES = { good: "good", warn: "watch out", bad: "bad" };

/**
 * @param {Record<string, any>} card as wrapper.json has it
 * @param {HTMLElement} body
 * @param {string} title id of the element that names the card
 * @param {(text: string) => void} onsay
 * @returns {Kind}
 */
export function makeCard(card, body, title, onsay) {
  if (card.kind === "form") return new FormCard(card, body, onsay);
  const Made = { facts: Facts, list: List, progress: Progress, meter: Meter, link: Link }[/** @type {string} */ (card.kind)];
  if (!Made) throw new Error(`there is no kind ${card.kind}`);
  const made = new Made(card, body, title);
  if (card.kind === "link" && card.url) made.show({});
  else body.append(element("p", "empty", card.empty || "–"));
  return made;
}

class Plain {
  /**
   * @param {Record<string, any>} card
   * @param {HTMLElement} body
   * @param {string} title
   */
  constructor(card, body, title) {
    this._card = card;
    this._body = body;
    this._title = title;
  }

  end() {}
}

class Facts extends Plain {
  /** @param {Record<string, any>} value */
  show(value) {
    const list = element("dl", "facts");
    for (const [label, each] of Object.entries(value)) list.append(element("dt", "", label), element("dd", "", plain(each)));
    this._body.replaceChildren(list);
  }
}

class List extends Plain {
  /** @param {Array<Record<string, any>>} value */
  show(value) {
    const list = element("ul", "rows");
    for (const { title, detail, status, tone } of value) {
      const item = element("li");
      const words = element("div");
      words.append(element("p", "", title), ...(detail ? [element("p", "detail", detail)] : []));
      item.append(words);
      if (status) item.append(toned(element("span", "status", status), tone));
      list.append(item);
    }
    const none = element("p", "empty", this._card.empty || "–");
    this._body.replaceChildren(value.length ? list : none);
  }
}

class Progress extends Plain {
  /**
   * @param {Record<string, any>} card
   * @param {HTMLElement} body
   * @param {string} title
   */
  constructor(card, body, title) {
    super(card, body, title);
    this._bar = element("div", "bar-of");
    this._bar.append(element("i"));
    for (const [name, its] of [["role", "progressbar"], ["aria-labelledby", title], ["aria-valuemin", "0"], ["aria-valuemax", "100"]]) {
      this._bar.setAttribute(name, its);
    }
    this._percent = element("span", "percent");
    this._percent.setAttribute("aria-hidden", "true");
    this._news = element("p", "unseen");
    this._news.setAttribute("aria-live", "polite");
    /** @type {Map<string, string>} */
    this._states = new Map();
  }

  /** @param {{steps?: Array<{title: string, state: keyof typeof STATES, detail?: string}>, percent?: number}} value */
  show({ steps = [], percent }) {
    const list = element("ol", "steps");
    for (const { title, state, detail } of steps) {
      const item = element("li");
      item.dataset.state = state;
      const words = element("div");
      words.append(element("span", "", title), element("span", "unseen", `: ${STATES[state]}`));
      if (detail) words.append(element("p", "detail", detail));
      const sign = element("i");
      sign.setAttribute("aria-hidden", "true");
      item.append(sign, words);
      list.append(item);
    }
    const over = steps.filter(({ state }) => state === "done" || state === "failed").length;
    const share = Math.round(percent ?? (100 * over) / Math.max(1, steps.length));
    this._bar.setAttribute("aria-valuenow", String(share));
    this._bar.style.setProperty("--share", String(share / 100));
    this._bar.dataset.failed = String(steps.some(({ state }) => state === "failed"));
    this._percent.textContent = `${share} %`;
    if (!this._bar.isConnected) this._begin();
    this._body.replaceChild(list, /** @type {Element} */ (this._body.querySelector(".steps")));
    this._tell(steps);
  }

  _begin() {
    const head = element("div", "bar-line");
    head.append(this._bar, this._percent);
    this._body.replaceChildren(head, element("ol", "steps"), this._news);
  }

  /**
   * To who cannot see it: what has changed, not all of it, and no percents.
   *
   * @param {Array<{title: string, state: keyof typeof STATES}>} steps
   */
  _tell(steps) {
    const news = steps.filter(({ title, state }) => this._states.get(title) !== state && state !== "waiting");
    this._states = new Map(steps.map(({ title, state }) => [title, state]));
    if (news.length) this._news.textContent = news.map(({ title, state }) => `${title}: ${STATES[state]}`).join(", ");
  }
}

class Meter extends Plain {
  /** @param {number | {value: number, detail?: string}} given */
  show(given) {
    const { value, detail = "" } = typeof given === "number" ? { value: given } : given;
    const { low, high, unit, ranges } = this._card;
    const range = ranges.find(({ below = Infinity }) => value < below) ?? ranges.at(-1);
    const words = range ? range.label || TONES[/** @type {keyof typeof TONES} */ (range.tone)] : "";
    const number = [new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 }).format(value), unit].filter(Boolean).join(" ");
    const head = element("div", "reading");
    head.append(element("strong", "", number), ...(words ? [toned(element("span", "status", words), range.tone)] : []));
    const scale = element("div", "scale");
    for (const [name, its] of Object.entries({
      role: "meter",
      "aria-labelledby": this._title,
      "aria-valuemin": low,
      "aria-valuemax": high,
      "aria-valuenow": Math.min(high, Math.max(low, value)),
      "aria-valuetext": words ? `${number}, ${words}` : number,
    })) {
      scale.setAttribute(name, String(its));
    }
    let from = low;
    for (const { below = high, tone } of ranges) {
      const to = Math.min(high, Math.max(from, below));
      const part = toned(element("span"), tone);
      part.style.flexGrow = String((to - from) / (high - low));
      if (to > from) scale.append(part);
      from = to;
    }
    const needle = element("i");
    needle.style.setProperty("--at", String(Math.min(1, Math.max(0, (value - low) / (high - low)))));
    scale.append(needle);
    const ends = element("div", "ends");
    ends.setAttribute("aria-hidden", "true");
    ends.append(element("span", "", String(low)), element("span", "", String(high)));
    this._body.replaceChildren(head, scale, ends, ...(detail ? [element("p", "detail", detail)] : []));
  }
}

class Link extends Plain {
  /** @param {{url?: string, label?: string}} value */
  show({ url = this._card.url, label }) {
    const to = new URL(url);
    if (to.protocol !== "https:") throw new Error("a link is https");
    const link = /** @type {HTMLAnchorElement} */ (element("a", "link", label || this._card.label || this._card.title));
    link.href = to.href;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.append(element("span", "unseen", " (opens in a new tab)"));
    this._body.replaceChildren(link, element("p", "detail", to.host));
  }
}

/** @param {unknown} value */
function plain(value) {
  if (value === null || value === "") return "–";
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

/**
 * @param {HTMLElement} made
 * @param {string} [tone]
 */
function toned(made, tone) {
  if (tone) made.dataset.tone = tone;
  return made;
}
