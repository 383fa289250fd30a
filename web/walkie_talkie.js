/** Push-to-talk: a switch, and a button (or the space bar) to be held while one speaks. */

export class WalkieTalkie {
  /**
   * @param {HTMLButtonElement} toggle role `switch`
   * @param {HTMLButtonElement} button to be held
   * @param {{changed: (on: boolean) => void, pressed: (pressed: boolean) => void}} listener
   */
  constructor(toggle, button, listener) {
    this._toggle = toggle;
    this._button = button;
    this._listener = listener;
    this.on = false;
    this.held = false;
    toggle.addEventListener("click", () => this._switch(!this.on));
    button.addEventListener("pointerdown", (event) => this._grab(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) button.addEventListener(name, () => this.release());
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    // By Enter, or by whoever cannot hold it: once to speak, once more to be done.
    button.addEventListener("click", (event) => event.detail === 0 && this._hold(!this.held));
    document.addEventListener("keydown", (event) => this._key(event, true));
    document.addEventListener("keyup", (event) => this._key(event, false));
    // Whoever cannot see that it is held must not stay on the air.
    window.addEventListener("blur", () => this.release());
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
  }

  /** The agent knows nothing else: there is no choice. */
  always() {
    if (!this.on) this._switch(true);
    this._toggle.disabled = true;
  }

  /** @param {boolean} able whether there is somebody to talk to by voice */
  enable(able) {
    const news = able && this._button.disabled;
    this._button.disabled = !able;
    if (!able) this.release();
    // The button that began the call has the focus: there the space bar would end it.
    if (news && this.on && !(document.activeElement instanceof HTMLInputElement)) this._button.focus();
  }

  release() {
    this._hold(false);
  }

  /** @param {boolean} on */
  _switch(on) {
    this.release();
    this.on = on;
    this._toggle.setAttribute("aria-checked", String(on));
    this._listener.changed(on);
    // Else the space bar would switch it off again.
    if (on && !this._button.disabled) this._button.focus();
  }

  /** @param {PointerEvent} event */
  _grab(event) {
    if (event.button !== 0) return;
    this._button.setPointerCapture(event.pointerId);
    this._hold(true);
  }

  /**
   * @param {KeyboardEvent} event
   * @param {boolean} down
   */
  _key(event, down) {
    const elsewhere = event.target instanceof Element && event.target !== this._button && event.target.closest(TAKES_SPACE);
    if (event.key !== " " || !this.on || this._button.disabled) return;
    if (!down) this.release();
    if (elsewhere) return;
    // Neither scroll, nor click the button at the end.
    event.preventDefault();
    if (down && !event.repeat) this._hold(true);
  }

  /** @param {boolean} held */
  _hold(held) {
    if (held === this.held || (held && (!this.on || this._button.disabled))) return;
    this.held = held;
    this._button.setAttribute("aria-pressed", String(held));
    this._listener.pressed(held);
  }
}

const TAKES_SPACE = "input, textarea, select, button, summary, a[href]";
