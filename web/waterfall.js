/** How fast the last turns were answered: a row of figures and a bar for each, in ms after the caller's last word. */

const MAX_TURNS = 6;
const DASH = "–";
/** Columns: stage of the gateway's `turn`, and what the part of the bar that ends there was spent on. */
const STAGES = [
  { name: "final", spent: "recognising" },
  { name: "ended", spent: "making sure that you were done" },
  { name: "first_token", spent: "thinking" },
  { name: "audio", spent: "making the first sound" },
  { name: "heard", spent: "on the way to your ear" },
];
/** The bars' whole width; a slower turn runs out of it, so that one bad turn does not make all others points. */
const SCALES_MS = [500, 750, 1000, 1500, 2000, 3000];

export class Waterfall {
  /** @param {HTMLTableElement} table with a head; each turn becomes a body of its own */
  constructor(table) {
    this._table = table;
    /** @type {Map<number, Record<string, any>>} */
    this._turns = new Map();
    /** Told at each change. */
    this.onchange = () => {};
  }

  begin() {
    this._turns.clear();
    this._draw();
  }

  get empty() {
    return this._turns.size === 0;
  }

  /** @param {Record<string, any>} turn as the gateway tells it; the same turn again with more of its stages */
  turn(turn) {
    if (turn.void) this._turns.delete(turn.turn);
    else this._turns.set(turn.turn, turn);
    for (const number of this._turns.keys()) {
      if (this._turns.size <= MAX_TURNS) break;
      this._turns.delete(number);
    }
    this._draw();
  }

  _draw() {
    const turns = [...this._turns.values()];
    const longest = Math.max(0, ...turns.map((turn) => turn.heard ?? turn.audio ?? turn.ended ?? 0));
    const scale = scaleOf(longest);
    for (const body of [...this._table.tBodies]) body.remove();
    for (const turn of turns) this._table.append(body(turn, scale));
    this.onchange();
  }
}

/**
 * @param {Record<string, any>} turn
 * @param {number} scale ms of the whole width
 */
function body(turn, scale) {
  const made = document.createElement("tbody");
  made.dataset.turn = String(turn.turn);
  const figures = made.insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = String(turn.turn);
  if (turn.cut) head.append(noted("cut", "interrupted"));
  figures.append(head);
  for (const { name } of STAGES) {
    const cell = figures.insertCell();
    cell.dataset.stage = name;
    if (name === "ended" && turn.eager !== undefined) cell.append(noted("eager", `${turn.eager}`, "eager"), " ");
    cell.append(turn[name] === undefined ? DASH : String(turn[name]));
  }
  const bar = made.insertRow();
  bar.setAttribute("aria-hidden", "true");
  const cell = bar.insertCell();
  cell.colSpan = STAGES.length + 1;
  cell.append(drawn(turn, scale));
  return made;
}

/** @param {number} longest ms that a bar should hold */
export function scaleOf(longest) {
  return SCALES_MS.find((ms) => ms >= longest) ?? SCALES_MS[SCALES_MS.length - 1];
}

/**
 * The bar of one turn.
 *
 * @param {Record<string, any>} turn ms by stage
 * @param {number} scale ms of the whole width
 * @param {Array<{name: string, spent: string}>} stages in order
 */
export function drawn(turn, scale, stages = STAGES) {
  const bar = document.createElement("div");
  bar.className = "bar";
  let from = 0;
  for (const { name, spent } of stages) {
    const until = turn[name];
    if (until === undefined || until === null) continue;
    // A model that thought ahead had its first word before the turn was over: that took the caller no time.
    const part = place(document.createElement("span"), from, Math.max(from, until), scale);
    part.className = "part";
    part.dataset.stage = name;
    part.title = `${Math.max(0, until - from)} ms ${spent}`;
    bar.append(part);
    from = Math.max(from, until);
  }
  for (const name of ["eager", "filler"]) {
    if (turn[name] === undefined) continue;
    const notch = place(document.createElement("span"), turn[name], turn[name], scale);
    notch.className = "notch";
    notch.title = `${name} ${turn[name]} ms`;
    bar.append(notch);
  }
  return bar;
}

/**
 * @param {HTMLElement} part
 * @param {number} from
 * @param {number} until
 * @param {number} scale
 */
function place(part, from, until, scale) {
  part.style.left = `${(100 * from) / scale}%`;
  part.style.width = `${(100 * (until - from)) / scale}%`;
  return part;
}

/**
 * A remark in small, with its meaning for those who do not see it.
 *
 * @param {string} kind
 * @param {string} text
 * @param {string} [meaning]
 */
function noted(kind, text, meaning = "") {
  const note = document.createElement("span");
  note.className = kind;
  note.title = meaning || text;
  if (meaning) {
    const spoken = document.createElement("span");
    spoken.className = "unseen";
    spoken.textContent = `${meaning} `;
    note.append(spoken);
  }
  const shown = document.createElement("span");
  shown.textContent = text;
  if (!meaning) shown.className = "unseen";
  note.append(shown);
  return note;
}
