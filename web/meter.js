/** The microphone's level, from silence to full scale. */

const FLOOR_DB = -60;
const FALL = 0.82;
const SPOKEN_MS = 1000;

export class Meter {
  /**
   * @param {HTMLElement} bar role `meter`
   * @param {HTMLElement} ring what else swells with the level
   */
  constructor(bar, ring) {
    this._bar = bar;
    this._ring = ring;
    this._level = 0;
    this._spokenAt = 0;
    this._loudest = 0;
  }

  /** @param {number} amplitude 0..1, as it comes from the microphone every 20 ms */
  show(amplitude) {
    const db = 20 * Math.log10(Math.max(amplitude, 1e-6));
    const level = Math.max(0, 1 - db / FLOOR_DB);
    this._level = Math.max(level, this._level * FALL);
    this._loudest = Math.max(this._loudest, level);
    this._bar.style.setProperty("--level", this._level.toFixed(3));
    this._ring.style.setProperty("--mic", this._level.toFixed(3));
    const now = performance.now();
    if (now - this._spokenAt > SPOKEN_MS) {
      this._bar.setAttribute("aria-valuenow", String(Math.round(this._loudest * 100)));
      this._spokenAt = now;
      this._loudest = 0;
    }
  }

  rest() {
    this._level = 0;
    this._bar.style.setProperty("--level", "0");
    this._ring.style.setProperty("--mic", "0");
    this._bar.setAttribute("aria-valuenow", "0");
  }
}
