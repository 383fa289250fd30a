/**
 * What a caller can do when nobody understands their language by ear.
 *
 * @param {string} language as in "es-ES"
 * @returns {string}
 */
export function deaf(language) {
  const name = new Intl.DisplayNames(["en"], { type: "language" }).of(language) ?? language;
  return `Nobody here understands spoken ${name}: that takes another recogniser. Type below, and you will hear the answers.`;
}

/** What went wrong, and what the caller can do about it. */

export class Notice {
  /** @param {HTMLElement} box role `alert` */
  constructor(box) {
    this._box = box;
  }

  /** @param {string} text */
  show(text) {
    this._box.textContent = text;
    this._box.hidden = false;
  }

  hide() {
    this._box.hidden = true;
    this._box.textContent = "";
  }
}
