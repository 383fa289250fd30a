/** A sentence at the foot of the page: what has just been done, or why not. It is read out, and goes by itself. */

import { h } from "./dom.js";
import { inWords } from "./states.js";

const STAYS_MS = 6_000;
const MAX = 3;

/** @param {string} text */
export function say(text) {
  put(h("p", { class: "item" }, text), "news");
}

/** @param {unknown} error */
export function sayTrouble(error) {
  put(h("p", { class: "item bad" }, inWords(error)), "alarms");
}

/**
 * @param {HTMLElement} item
 * @param {string} where
 */
function put(item, where) {
  const list = /** @type {HTMLElement} */ (document.getElementById(where));
  list.append(item);
  while (list.childElementCount > MAX) list.firstElementChild?.remove();
  setTimeout(() => item.remove(), STAYS_MS);
}
