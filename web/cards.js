/** What the agent shows beside the words: cards as its wrapper.json has them, filled by its tools. */

import { makeCard } from "./card_kinds.js";
import { element } from "./elements.js";

/**
 * @typedef {object} Tile
 * @property {string} made of this, as JSON
 * @property {HTMLElement} place
 * @property {import("./card_kinds.js").Kind} kind
 * @property {boolean} open
 * @property {string} [json] what it shows
 */

export class Cards {
  /**
   * @param {HTMLElement} place
   * @param {HTMLElement} news says to who cannot see it that a card has come
   * @param {(text: string) => void} onsay a form was sent
   */
  constructor(place, news, onsay) {
    this._place = place;
    this._news = news;
    this._onsay = onsay;
    /** @type {Map<string, Tile>} */
    this._tiles = new Map();
    /** Told at each change. */
    this.onchange = () => {};
  }

  get empty() {
    return [...this._tiles.values()].every((tile) => tile.place.hidden);
  }

  /**
   * A call begins, or may: cards that are open stand there, the others wait. A form that is being filled in is left alone.
   *
   * @param {Array<Record<string, any>>} cards
   */
  begin(cards) {
    const before = this._tiles;
    this._tiles = new Map(cards.map((card) => [card.name, kept(before.get(card.name), card) ?? this._make(card)]));
    this._place.replaceChildren(...[...this._tiles.values()].map((tile) => tile.place));
    this._news.textContent = "";
    this.onchange();
  }

  /**
   * @param {string} name
   * @param {string} json
   * @param {boolean} [again] it has this value already, unless that was missed
   * @returns {boolean} false: there is no such card, or the value is not for it; perhaps the wrapper was edited meanwhile
   */
  show(name, json, again = false) {
    const tile = this._tiles.get(name);
    if (!tile) return false;
    try {
      const value = JSON.parse(json);
      if (value === null) this._away(tile);
      else if (!again || tile.json !== json) this._put(tile, value);
      tile.json = json;
    } catch (error) {
      console.warn(`The card ${name} cannot show this: ${error}`);
      return false;
    }
    return true;
  }

  /** The call is over: what a tool had asked is not asked any more. */
  end() {
    for (const tile of this._tiles.values()) if (!tile.open) tile.kind.end();
  }

  /**
   * @param {Tile} tile
   * @param {any} value
   */
  _put(tile, value) {
    tile.kind.show(value);
    if (!tile.place.hidden) return;
    tile.place.hidden = false;
    this._news.textContent = `Shown: ${tile.place.querySelector("h2")?.textContent}`;
    this.onchange();
  }

  /** @param {Tile} tile */
  _away(tile) {
    tile.place.hidden = true;
    this.onchange();
  }

  /**
   * @param {Record<string, any>} card
   * @returns {Tile}
   */
  _make(card) {
    const place = element("article", "tile");
    const title = element("h2", "", card.title);
    title.id = `card-${card.name}`;
    place.dataset.kind = card.kind;
    place.setAttribute("aria-labelledby", title.id);
    const body = element("div", "body");
    place.append(title, body);
    const kind = makeCard(card, body, title.id, this._onsay);
    place.hidden = !card.open;
    return { made: JSON.stringify(card), place, kind, open: card.open };
  }
}

/**
 * @param {Tile | undefined} tile
 * @param {Record<string, any>} card
 */
function kept(tile, card) {
  return tile && card.kind === "form" && card.open && tile.made === JSON.stringify(card) ? tile : null;
}

/**
 * What no card is for, as rows.
 *
 * @param {string} json an object of texts and numbers
 * @returns {Array<[string, string]>}
 */
export function rows(json) {
  try {
    return Object.entries(JSON.parse(json)).map(([name, value]) => [
      name.replaceAll("_", " "),
      typeof value === "object" ? JSON.stringify(value) : String(value),
    ]);
  } catch {
    return [["", json]];
  }
}
