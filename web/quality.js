/** What the connection is like, for those who want to know. */

export class Quality {
  /** @param {HTMLElement} list a `dl` with one `dd[data-of]` for each figure */
  constructor(list) {
    this._list = list;
  }

  /** @param {{roundTrip: number, underruns: number, overruns: number, dropped: number, legs: number}} figures */
  show(figures) {
    const { roundTrip, ...counts } = figures;
    this._fill("roundTrip", Number.isNaN(roundTrip) ? "–" : `${roundTrip.toFixed(0)} ms`);
    for (const [name, value] of Object.entries(counts)) this._fill(name, String(value));
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  _fill(name, text) {
    const place = this._list.querySelector(`[data-of="${name}"]`);
    if (place) place.textContent = text;
  }
}
