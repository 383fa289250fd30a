/** Fields with their labels, and forms that say under the field what is wrong with it. */

import { Problem } from "./api.js";
import { fill, h, id } from "./dom.js";
import { inWords } from "./states.js";

/**
 * @param {string} label
 * @param {HTMLElement} control an input, a select or a textarea
 * @param {string} [hint]
 */
export function field(label, control, hint = "") {
  const name = control.id || id();
  control.id = name;
  const under = hint ? h("p", { class: "hint", id: `${name}-hint` }, hint) : null;
  if (under) control.setAttribute("aria-describedby", under.id);
  return h("div", { class: "field" }, h("label", { for: name }, label), control, under);
}

/**
 * @param {string} name
 * @param {Record<string, any>} [more]
 */
export function input(name, more = {}) {
  return /** @type {HTMLInputElement} */ (h("input", { name, type: "text", autocomplete: "off", ...more }));
}

/**
 * @param {string} name
 * @param {Array<[string, string]>} choices value and text
 * @param {string} [value]
 * @param {Record<string, any>} [more]
 */
export function select(name, choices, value = "", more = {}) {
  const made = /** @type {HTMLSelectElement} */ (h("select", { name, ...more }));
  for (const [key, text] of choices) made.append(h("option", { value: key, selected: key === value }, text));
  return made;
}

/**
 * @param {string} label
 * @param {string} name
 * @param {boolean} on
 * @param {Record<string, any>} [more]
 */
export function check(label, name, on, more = {}) {
  return h(
    "label",
    { class: "check" },
    h("input", { type: "checkbox", name, checked: on, ...more }),
    h("span", {}, label),
  );
}

/**
 * A form that is sent by `act`; what it raises stands at the field it names, or above the button.
 *
 * @param {object} parts
 * @param {import("./dom.js").Child[]} parts.body
 * @param {string} parts.send what the button says
 * @param {(data: FormData) => Promise<unknown>} parts.act
 * @param {string} [parts.className]
 * @returns {HTMLFormElement}
 */
export function form({ body, send, act, className = "" }) {
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const button = /** @type {HTMLButtonElement} */ (h("button", { type: "submit", class: "button strong" }, send));
  const made = /** @type {HTMLFormElement} */ (
    h("form", { class: `form ${className}` }, body, trouble, h("div", { class: "buttons" }, button))
  );
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    clear(made, trouble);
    try {
      await act(new FormData(made));
    } catch (error) {
      wrong(made, trouble, error);
    } finally {
      button.disabled = false;
    }
  });
  return made;
}

/**
 * @param {HTMLFormElement} made
 * @param {HTMLElement} trouble
 */
function clear(made, trouble) {
  trouble.hidden = true;
  for (const each of made.querySelectorAll("[aria-invalid]")) each.removeAttribute("aria-invalid");
}

/**
 * @param {HTMLFormElement} made
 * @param {HTMLElement} trouble
 * @param {unknown} error
 */
function wrong(made, trouble, error) {
  fill(trouble, inWords(error));
  trouble.hidden = false;
  // The service names it with where it stands: body.text.
  const named = error instanceof Problem ? made.elements.namedItem(error.field.split(".").at(-1) ?? "") : null;
  if (named instanceof HTMLElement) {
    named.setAttribute("aria-invalid", "true");
    named.focus();
  }
}
