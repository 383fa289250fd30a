/** What the list of calls is narrowed by. The address of the page holds it, so that a search can be passed on. */

import { h } from "../../kit/dom.js";
import { field, input, select } from "../../kit/forms.js";
import { plural } from "../../kit/format.js";
import { icon } from "../../kit/icons.js";

/** Those that any call may have; an agent may name others. */
const OUTCOMES = ["resolved", "answered", "unresolved", "transferred", "abandoned", "failed"];
const EMOTIONS = ["neutral", "happy", "frustrated", "sad", "angry", "confused"];
const WAITS_MS = 300;

/**
 * @param {Record<string, string>} set
 * @param {boolean} numbers whether whoever asks may search by number
 * @param {(wanted: Record<string, string>) => void} search
 */
export function filters(set, numbers, search) {
  const any = (/** @type {string[]} */ words, /** @type {string} */ text) =>
    /** @type {Array<[string, string]>} */ ([
      ["", text],
      ...words.map((word) => [word, word[0].toUpperCase() + word.slice(1)]),
    ]);
  const words = input("words", {
    type: "search",
    value: set.words ?? "",
    placeholder: "Words that were said",
    "aria-label": "Words that were said",
  });
  const more = h(
    "div",
    { class: "more", id: "more-filters" },
    numbers &&
      field("Number, or its end", input("number", { type: "search", inputmode: "tel", value: set.number ?? "" })),
    field("Agent", input("agent", { type: "search", value: set.agent ?? "" })),
    field("Outcome", input("outcome", { type: "search", list: "outcomes", value: set.outcome ?? "" })),
    h("datalist", { id: "outcomes" }, OUTCOMES.map((word) => h("option", { value: word }))),
    field("From", input("from", { type: "date", value: set.from ?? "" })),
    field("To", input("to", { type: "date", value: set.to ?? "" })),
    field("Longer than, seconds", input("min_seconds", { type: "number", min: 0, value: set.min_seconds ?? "" })),
    field(
      "Interrupted, at least",
      input("min_interruptions", { type: "number", min: 0, value: set.min_interruptions ?? "" }),
    ),
    field("Mood", select("emotion", any(EMOTIONS, "Any"), set.emotion)),
    field(
      "Tools",
      select(
        "tool_failed",
        [
          ["", "Any"],
          ["true", "One failed"],
        ],
        set.tool_failed,
      ),
    ),
  );
  const button = h("button", {
    type: "button",
    class: "button",
    "aria-controls": "more-filters",
    onclick: () => opened(Boolean(more.hidden)),
  });
  const away = h("button", { type: "button", class: "plain", onclick: () => clear() }, "Clear");
  const made = /** @type {HTMLFormElement} */ (
    h(
      "form",
      { class: "filters", role: "search", "aria-label": "Calls" },
      h("div", { class: "first" }, h("div", { class: "search" }, icon("search"), words), button, away),
      more,
    )
  );
  let timer = 0;

  /** @returns {Record<string, string>} */
  function wanted() {
    return Object.fromEntries(
      [...new FormData(made)].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value),
    );
  }

  /** @param {boolean} open */
  function opened(open) {
    more.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    count();
  }

  /** How many of the filters that may be hidden are set. */
  function count() {
    const used = Object.keys(wanted()).filter((name) => name !== "words").length;
    button.textContent = used && more.hidden ? plural(used, "filter") : "Filters";
    away.hidden = Object.keys(wanted()).length === 0;
  }

  /** Everything is shown again. */
  function clear() {
    for (const control of made.elements)
      if ("value" in control && "name" in control && control.name) control.value = "";
    count();
    search({});
    words.focus();
  }

  made.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    search(wanted());
  });
  made.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      count();
      if (made.checkValidity()) search(wanted());
    }, WAITS_MS);
  });
  opened(Object.keys(set).some((name) => name !== "words"));
  return made;
}
