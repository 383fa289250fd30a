/** Where words are typed instead of spoken, and the examples above it. */

import { first } from "./words.js";

/** Characters of one turn that the gateway takes. */
const MAX_TEXT = 4000;

export class Composer {
  /**
   * @param {HTMLFormElement} form
   * @param {HTMLElement} examples
   * @param {(text: string) => void} onsay
   */
  constructor(form, examples, onsay) {
    this._field = /** @type {HTMLInputElement} */ (form.elements.namedItem("text"));
    this._examples = examples;
    this._onsay = onsay;
    this._field.addEventListener("input", () => {
      const kept = first(this._field.value, MAX_TEXT);
      if (kept !== this._field.value) this._field.value = kept;
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._say(this._field.value);
      this._field.value = "";
    });
  }

  /** @param {string[]} examples */
  show(examples) {
    const buttons = examples.slice(0, 12).map((text) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "example";
      button.textContent = text;
      button.addEventListener("click", () => this._say(text));
      const item = document.createElement("li");
      item.append(button);
      return item;
    });
    this._examples.replaceChildren(...buttons);
  }

  /** @param {string} text */
  _say(text) {
    const words = text.trim();
    if (words) this._onsay(words);
  }
}
