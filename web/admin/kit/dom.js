/** Elements, made in one call. A text is always a text, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * @param {string} name
 * @param {Record<string, any>} [attributes] `onclick` and its like are listeners; null, undefined and false are left out
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  return /** @type {HTMLElement} */ (filled(document.createElement(name), attributes, children));
}

/**
 * The same for parts of a picture.
 *
 * @param {string} name
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function s(name, attributes = {}, ...children) {
  return /** @type {SVGElement} */ (filled(document.createElementNS(SVG, name), attributes, children));
}

/**
 * @param {Element} made
 * @param {Record<string, any>} attributes
 * @param {Array<Child | Child[]>} children
 */
function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  append(made, children);
  return made;
}

/**
 * @param {Element} parent
 * @param {Array<Child | Child[]>} children
 */
export function append(parent, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Puts other children in the place of an element's.
 *
 * @param {Element} parent
 * @param {...(Child | Child[])} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/**
 * A text of the service, in which what is to be typed stands between backticks.
 *
 * @param {string} text
 * @returns {Child[]}
 */
export function typed(text) {
  return text.split("`").map((part, place) => (place % 2 ? h("code", {}, part) : part));
}

/**
 * Words for those who do not see the page.
 *
 * @param {string} text
 */
export function unseen(text) {
  return h("span", { class: "unseen" }, text);
}

let ids = 0;

/** @returns {string} an id that no other element has */
export function id() {
  ids += 1;
  return `e${ids}`;
}
