/** What both sides say, as it is said: the conversation's text on the page. */

import { element } from "./elements.js";
import { first, gap, join, length } from "./words.js";

const MAX_ENTRIES = 300;
const MAX_UNHEARD = 120;

/**
 * @typedef {object} Entry
 * @property {HTMLLIElement} item
 * @property {"caller" | "agent"} side
 * @property {string} text what is settled: a caller's finals, or the whole text of the bot's utterance
 * @property {HTMLElement} settled
 * @property {HTMLElement} open a caller's interim words; of the bot, what nobody heard, or nobody has heard yet
 */

export class Subtitles {
  /** @param {HTMLElement} list */
  constructor(list) {
    this._list = list;
    this._agent = "Agent";
    this._blurred = false;
    /** @type {Map<string, Entry>} */
    this._utterances = new Map();
    /** @type {Entry | null} */
    this._newest = null;
    /** @type {string[]} */
    this._typed = [];
    /** Told at each change. */
    this.onchange = () => {};
  }

  /**
   * @param {string} agent name of the bot's side
   * @param {boolean} aloud the bot speaks: a screen reader would talk over it
   * @param {boolean} blurred what it is going to say stands there, to be guessed at
   */
  begin(agent, aloud, blurred) {
    this._agent = agent;
    this._blurred = aloud && blurred;
    this._list.replaceChildren();
    this._list.setAttribute("aria-live", aloud ? "off" : "polite");
    this._utterances.clear();
    this._newest = null;
    this.onchange();
  }

  get empty() {
    return this._list.childElementCount === 0;
  }

  /** @param {string} text will come back as the caller's words, maybe of a call that is about to begin */
  typed(text) {
    this._typed.push(text);
  }

  /**
   * @param {string} text
   * @param {boolean} final
   */
  caller(text, final) {
    const typed = final ? this._typed.indexOf(text) : -1;
    let entry = this._newest;
    if (entry?.side !== "caller" || typed >= 0) entry = this._add("caller");
    if (typed >= 0) {
      this._typed.splice(typed, 1);
      this._tag(entry, "typed");
    }
    if (final) {
      entry.text = join(entry.text, text);
      entry.settled.textContent = entry.text;
      entry.open.textContent = "";
      if (!entry.text) this._remove(entry);
    } else {
      entry.open.textContent = gap(entry.text, text) + text;
    }
    this._changed();
  }

  /**
   * The bot's utterance, as far as it was heard.
   *
   * @param {string} key
   * @param {string} text its text so far
   * @param {number} heard characters of it
   */
  heard(key, text, heard) {
    const entry = this._utterance(key);
    entry.text = text || entry.text;
    show(entry, heard);
    if (this._blurred) this._blur(entry);
    this._changed();
  }

  /**
   * The bot's utterance is over.
   *
   * @param {string} key
   * @param {string} text "" where it is known
   * @param {number} heard
   * @param {boolean} cut the caller did not hear the rest
   */
  over(key, text, heard, cut) {
    const entry = this._utterance(key);
    entry.text = text || entry.text;
    const whole = !cut || heard >= length(entry.text);
    show(entry, whole ? Infinity : heard);
    entry.item.removeAttribute("aria-busy");
    if (whole) unveil(entry);
    if (whole) entry.open.textContent = "";
    else this._cut(entry, heard);
    if (!entry.text) this._remove(entry);
    this._utterances.delete(key);
    this._changed();
  }

  /**
   * A chat's words, which are read when they come.
   *
   * @param {string} key
   * @param {string} more
   */
  wrote(key, more) {
    const entry = this._utterance(key);
    entry.text += more;
    show(entry, Infinity);
    this._changed();
  }

  /**
   * Something to look at: a card as the agent made it, a number to call.
   *
   * @param {string} title
   * @param {Array<[string, string]>} rows
   */
  card(title, rows) {
    const item = element("li", "entry card");
    item.append(element("h3", "", title));
    const list = element("dl");
    for (const [name, value] of rows) list.append(element("dt", "", name), element("dd", "", value));
    item.append(list);
    this._list.append(item);
    this._newest = null;
    this._changed();
  }

  /** The call has ended: nothing is open any more. */
  close() {
    for (const entry of this._utterances.values()) entry.item.removeAttribute("aria-busy");
    if (this._newest?.side === "caller" && !this._newest.text) this._remove(this._newest);
    else if (this._newest?.side === "caller") this._newest.open.textContent = "";
    this._newest = null;
    this._typed = [];
    this._changed();
  }

  /** @param {string} key */
  _utterance(key) {
    let entry = this._utterances.get(key);
    if (entry === undefined) {
      entry = this._add("agent");
      entry.item.setAttribute("aria-busy", "true");
      this._utterances.set(key, entry);
    }
    return entry;
  }

  /**
   * @param {"caller" | "agent"} side
   * @returns {Entry}
   */
  _add(side) {
    const item = /** @type {HTMLLIElement} */ (element("li", `entry ${side}`));
    const who = element("span", "who", side === "caller" ? "You" : this._agent);
    const words = element("p", "words");
    const settled = element("span", "settled");
    const open = element("span", "open");
    words.append(settled, open);
    item.append(who, words);
    this._list.append(item);
    if (this._list.childElementCount > MAX_ENTRIES) this._list.firstElementChild?.remove();
    const entry = { item, side, text: "", settled, open };
    this._newest = entry;
    return entry;
  }

  /**
   * @param {Entry} entry
   * @param {number} heard
   */
  _cut(entry, heard) {
    entry.item.classList.add("cut");
    const said = first(entry.text, heard).trimEnd();
    const rest = entry.text.slice(said.length);
    entry.settled.textContent = said;
    entry.open.textContent = length(rest) > MAX_UNHEARD ? `${first(rest, MAX_UNHEARD)}…` : rest;
    // Nobody heard it, so nobody is to have it read out.
    entry.open.setAttribute("aria-hidden", "true");
    this._tag(entry, heard ? "interrupted here" : "not heard");
  }

  /**
   * @param {Entry} entry
   * @param {string} text
   */
  _tag(entry, text) {
    entry.item.querySelector(".who")?.append(element("span", "tag", text));
  }

  /**
   * What is to come, behind a veil that a tap takes away.
   *
   * @param {Entry} entry
   */
  _blur(entry) {
    entry.open.textContent = entry.text.slice(entry.settled.textContent?.length);
    if (!entry.open.textContent || entry.item.matches(".veiled, .unveiled")) return;
    entry.item.classList.add("veiled");
    entry.open.setAttribute("aria-hidden", "true");
    const button = element("button", "unveil", "Show the words");
    button.setAttribute("type", "button");
    for (const each of [button, entry.open]) each.onclick = () => unveil(entry);
    entry.item.querySelector(".who")?.append(button);
  }

  /** @param {Entry} entry */
  _remove(entry) {
    entry.item.remove();
    if (this._newest === entry) this._newest = null;
  }

  _changed() {
    this._list.scrollTop = this._list.scrollHeight;
    this.onchange();
  }
}

/**
 * @param {Entry} entry
 * @param {number} heard
 */
function show(entry, heard) {
  entry.settled.textContent = first(entry.text, heard);
}

/** @param {Entry} entry */
function unveil(entry) {
  entry.item.classList.replace("veiled", "unveiled");
  entry.item.querySelector(".unveil")?.remove();
  entry.open.removeAttribute("aria-hidden");
  entry.open.onclick = null;
}
