/** A form among the cards. Sent, it is what the caller typed: `label: value; label: value`. */

import { element } from "./elements.js";

/** Characters of one field. */
const MAX_VALUE = 200;

export class FormCard {
  /**
   * @param {Record<string, any>} card
   * @param {HTMLElement} body
   * @param {(text: string) => void} onsay
   */
  constructor(card, body, onsay) {
    this._onsay = onsay;
    /** @type {Set<string>} */
    this._touched = new Set();
    const form = /** @type {HTMLFormElement} */ (element("form", "form"));
    form.autocomplete = "off";
    this._all = /** @type {HTMLFieldSetElement} */ (element("fieldset"));
    /** @type {Map<string, {label: string, input: HTMLInputElement | HTMLSelectElement}>} */
    this._fields = new Map();
    for (const field of card.fields) this._all.append(this._field(card.name, field));
    this._button = /** @type {HTMLButtonElement} */ (element("button", "submit", card.submit));
    this._sent = element("p", "sent");
    this._sent.setAttribute("role", "status");
    const last = element("div", "last");
    last.append(this._button, this._sent);
    this._all.append(last);
    form.append(this._all);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._send();
    });
    form.addEventListener("input", (event) => {
      this._touched.add(/** @type {HTMLInputElement} */ (event.target).name);
      this._ready();
    });
    body.append(form);
  }

  /** @param {Record<string, string | number>} value to begin with, by field; what the caller has typed stays */
  show(value) {
    this._all.disabled = false;
    this._ready();
    for (const [name, each] of Object.entries(value)) {
      const field = this._fields.get(name);
      if (field && !this._touched.has(name)) field.input.value = String(each);
    }
  }

  end() {
    this._all.disabled = true;
  }

  /**
   * @param {string} form
   * @param {Record<string, any>} field
   */
  _field(form, { name, label, kind, choices, required }) {
    const row = element("div", "field");
    const words = /** @type {HTMLLabelElement} */ (element("label", "", label));
    if (!required) words.append(element("span", "optional", "optional"));
    const input = kind === "choice" ? choice(choices) : typed(kind);
    input.id = `form-${form}-${name}`;
    input.name = name;
    input.required = required;
    words.htmlFor = input.id;
    row.append(words, input);
    this._fields.set(name, { label, input });
    return row;
  }

  _send() {
    if (this._button.disabled) return;
    const filled = [...this._fields.values()].map(({ label, input }) => [label, oneLine(input.value)]).filter(([, value]) => value);
    if (!filled.length) return;
    this._onsay(filled.map(([label, value]) => `${label}: ${value}`).join("; "));
    this._touched.clear();
    this._button.disabled = true;
    this._sent.textContent = "Sent";
  }

  _ready() {
    this._button.disabled = false;
    this._sent.textContent = "";
  }
}

/** @param {string} kind */
function typed(kind) {
  const input = document.createElement("input");
  input.type = kind === "text" ? "text" : kind;
  input.maxLength = MAX_VALUE;
  if (kind === "number") input.step = "any";
  return input;
}

/** @param {string[]} choices */
function choice(choices) {
  const select = document.createElement("select");
  select.append(new Option("–", ""), ...choices.map((each) => new Option(each, each)));
  return select;
}

/**
 * A value is one of several: it must not look like two.
 *
 * @param {string} value
 */
function oneLine(value) {
  return value.replace(/\s+/g, " ").replaceAll(";", ",").trim().slice(0, MAX_VALUE);
}
