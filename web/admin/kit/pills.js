/** A word with a coloured dot before it. The word alone says all. */

import { h } from "./dom.js";
import { spaced } from "./format.js";

/** @type {Record<string, string>} */
const TONES = {
  listening: "calm",
  thinking: "wait",
  speaking: "busy",
  paused: "wait",
  ringing: "wait",
  ended: "",
  resolved: "good",
  answered: "calm",
  transferred: "calm",
  abandoned: "warn",
  unresolved: "warn",
  failed: "bad",
  happy: "good",
  neutral: "",
  confused: "warn",
  sad: "warn",
  frustrated: "bad",
  angry: "bad",
  closed: "good",
  half_open: "warn",
  "half-open": "warn",
  open: "bad",
  pass: "good",
  fail: "bad",
  declare: "warn",
  proven: "good",
  unproven: "warn",
  missing: "bad",
  same: "good",
  different: "bad",
  on: "good",
  off: "",
  ok: "good",
  error: "bad",
  unknown: "warn",
};

/**
 * @param {string} word
 * @param {string} [tone] `good`, `warn`, `bad`, `calm`, `busy`, `wait`, or none
 * @param {string} [text] other words for it
 */
export function pill(word, tone = TONES[word] ?? "", text = spaced(word)) {
  return h("span", { class: "pill", "data-tone": tone || "none" }, h("i", { "aria-hidden": "true" }), text);
}

/**
 * @param {string} text
 * @param {string} [title]
 */
export function chip(text, title = "") {
  return h("span", { class: "chip", title: title || null }, text);
}
