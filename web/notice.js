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
