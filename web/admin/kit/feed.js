/** What the service tells by itself, as it happens: server-sent events, asked for again when the line breaks. */

import { get } from "./api.js";

const AGAIN_MS = [500, 1000, 2000, 5000, 10_000];

/** @typedef {"connecting" | "live" | "lost"} Line */

export class Feed {
  /**
   * @param {string} path
   * @param {Record<string, (data: any) => void>} kinds what to do with each kind of event
   * @param {(line: Line) => void} [online] told how the line is
   */
  constructor(path, kinds, online = () => {}) {
    this._path = path;
    this._kinds = kinds;
    this._online = online;
    this._tries = 0;
    this._timer = 0;
    /** @type {EventSource | null} */
    this._source = null;
    this._open();
  }

  close() {
    clearTimeout(this._timer);
    this._source?.close();
    this._source = null;
  }

  _open() {
    this._online(this._tries ? "lost" : "connecting");
    const source = new EventSource(this._path);
    this._source = source;
    source.onopen = () => {
      this._tries = 0;
      this._online("live");
    };
    for (const [kind, take] of Object.entries(this._kinds)) {
      source.addEventListener(kind, (event) => take(JSON.parse(event.data)));
    }
    source.onerror = () => {
      this._online("lost");
      // The browser comes back by itself, and says what it had last; but it gives up for good on a refusal.
      if (source.readyState !== EventSource.CLOSED || this._source !== source) return;
      // It does not say why, either: whoever is logged out is told by this.
      get("/api/session/me").catch(() => {});
      this._timer = setTimeout(() => this._open(), AGAIN_MS[Math.min(this._tries, AGAIN_MS.length - 1)]);
      this._tries += 1;
    };
  }
}
