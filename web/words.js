/** Texts by characters, as the gateway counts them (code points; a string's own places are UTF-16), and in any script. */

const SCRIPTS = [
  "Han", "Hiragana", "Katakana", "Bopomofo",
  "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Tai_Le", "New_Tai_Lue", "Tai_Tham", "Tai_Viet",
];
const SIDE_BY_SIDE = new RegExp(`^[${SCRIPTS.map((script) => `\\p{scx=${script}}`).join("")}]$`, "u");
const WIDE_MARK = /^[\u3000-\u303f\uff01-\uff65]$/u;

/**
 * @param {string} text
 * @param {number} count
 * @returns {string} its first characters
 */
export function first(text, count) {
  return text.slice(0, place(text, count));
}

/** @param {string} text */
export function length(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Two parts of what somebody said in a row, with a space between them where their script has one.
 *
 * @param {string} before
 * @param {string} more
 */
export function join(before, more) {
  const left = before.trimEnd();
  const right = more.trimStart();
  return left + gap(left, right) + right;
}

/**
 * @param {string} before
 * @param {string} more
 * @returns {string} what stands between them: a space, or nothing
 */
export function gap(before, more) {
  if (!before || !more) return "";
  const [last, next] = [[...before.slice(-2)].at(-1) ?? "", [...more.slice(0, 2)][0]];
  if (WIDE_MARK.test(last) || WIDE_MARK.test(next)) return "";
  return SIDE_BY_SIDE.test(last) && SIDE_BY_SIDE.test(next) ? "" : " ";
}

/**
 * @param {string} text
 * @param {number} count
 * @returns {number} where the character of this number begins in the string
 */
function place(text, count) {
  if (count >= text.length) return text.length;
  let at = 0;
  for (const character of text) {
    if (count <= 0) break;
    at += character.length;
    count -= 1;
  }
  return at;
}
