/** What stands in the place of an answer: that it is coming, that there is none, that it failed, that it is not for you. */

import { Problem } from "./api.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";

const SOON_MS = 180;

/** @type {WeakMap<HTMLElement, object>} what each place was last asked to show */
const newest = new WeakMap();

/** @param {string} what is coming, as in "the calls" */
export function loading(what) {
  return h(
    "div",
    { class: "state loading", role: "status" },
    h("span", { class: "spinner", "aria-hidden": "true" }),
    h("p", {}, `Loading ${what}…`),
  );
}

/**
 * @param {string} title
 * @param {string} advice what to do about it
 * @param {...import("./dom.js").Child} more buttons and links
 */
export function empty(title, advice, ...more) {
  return h(
    "div",
    { class: "state" },
    icon("empty"),
    h("p", { class: "state-title" }, title),
    h("p", {}, advice),
    ...more,
  );
}

/** @param {string} role that would have the right */
export function noRight(role = "") {
  return h(
    "div",
    { class: "state", role: "alert" },
    icon("lock"),
    h("p", { class: "state-title" }, "Your account may not see this"),
    h("p", {}, role ? `It takes the role ${role}. ` : "", "Ask an administrator for it, under Accounts."),
  );
}

/**
 * @param {unknown} error
 * @param {(() => void) | null} again
 */
export function failed(error, again = null) {
  if (error instanceof Problem && error.status === 403) return noRight(roleOf(error));
  const { title, detail, remedy } = told(error);
  return h(
    "div",
    { class: "state failed", role: "alert" },
    icon("trouble"),
    h("p", { class: "state-title" }, title),
    detail && h("p", {}, sentence(detail)),
    remedy && h("p", {}, sentence(remedy)),
    again && h("button", { type: "button", class: "button", onclick: again }, "Try again"),
  );
}

/**
 * Asks, and draws the answer into a place; meanwhile and in trouble it draws that. An answer that comes after the place
 * was asked to show something else is not drawn.
 *
 * @template T
 * @param {HTMLElement} place
 * @param {string} what
 * @param {() => Promise<T>} ask
 * @param {(answer: T) => import("./dom.js").Child | import("./dom.js").Child[]} draw
 * @returns {Promise<void>}
 */
export async function shown(place, what, ask, draw) {
  const mine = {};
  newest.set(place, mine);
  const isNewest = () => newest.get(place) === mine;
  place.setAttribute("aria-busy", "true");
  const wait = place.childElementCount ? 4 * SOON_MS : SOON_MS;
  const soon = setTimeout(() => isNewest() && fill(place, loading(what)), wait);
  try {
    const answer = await ask();
    if (isNewest()) fill(place, draw(answer));
  } catch (error) {
    if (isNewest())
      fill(
        place,
        failed(error, () => shown(place, what, ask, draw)),
      );
  } finally {
    clearTimeout(soon);
    if (isNewest()) place.removeAttribute("aria-busy");
  }
}

/**
 * @param {unknown} error
 * @returns {{title: string, detail: string, remedy: string}}
 */
export function told(error) {
  if (!(error instanceof Problem)) {
    console.error(error);
    return { title: "This page has an error", detail: String(error), remedy: "Load it again; if it stays, report it." };
  }
  if (error.status === 404 && !error.remedy) {
    return {
      title: error.title,
      detail: error.detail,
      remedy: "It may have been removed, or this version does not have it.",
    };
  }
  const remedy = error.remedy || (error.status >= 500 ? "The service's log says more." : "");
  return { title: error.title, detail: error.detail, remedy };
}

/**
 * What went wrong and what to do about it, in one line.
 *
 * @param {unknown} error
 */
export function inWords(error) {
  const { title, detail, remedy } = told(error);
  return [detail || title, remedy].filter(Boolean).map(sentence).join(" ");
}

/** @param {string} text as services write it, without a capital and a full stop */
export function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** @param {Problem} error */
function roleOf(error) {
  return /\b(viewer|supervisor|admin)\b/.exec(`${error.detail} ${error.remedy}`)?.[1] ?? "";
}
