/** Figures and times as people read them: the browser's language for numbers and days, its time zone for hours. */

export const DASH = "–";

const NUMBER = new Intl.NumberFormat();
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECOND = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** @param {number | null | undefined} value */
export function count(value) {
  return known(value) ? NUMBER.format(Math.round(value)) : DASH;
}

/**
 * @param {number | null | undefined} value
 * @param {number} digits after the point
 */
export function decimal(value, digits = 1) {
  return known(value) ? value.toFixed(digits) : DASH;
}

/** @param {number | null | undefined} share 0 to 1 */
export function percent(share) {
  if (!known(share)) return DASH;
  const value = share * 100;
  return `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

/** @param {number | null | undefined} ms */
export function millis(ms) {
  return known(ms) ? `${NUMBER.format(Math.round(ms))} ms` : DASH;
}

/** @param {number | null | undefined} seconds as on a stopwatch: 4:05, 1:02:45 */
export function clock(seconds) {
  if (!known(seconds)) return DASH;
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const last = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${last}` : `${minutes}:${last}`;
}

/**
 * @param {number | string | null | undefined} amount
 * @param {string} currency
 */
export function money(amount, currency = "USD") {
  if (amount === null || amount === undefined || amount === "") return DASH;
  const value = Number(amount);
  const digits = value !== 0 && Math.abs(value) < 1 ? 4 : 2;
  return new Intl.NumberFormat(undefined, {
    style: "currency",
    currency,
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

/**
 * When: the hour alone today, with the day before.
 *
 * @param {number | string | null | undefined} when ms since 1970, or ISO 8601
 * @param {boolean} seconds
 */
export function moment(when, seconds = false) {
  const date = dated(when);
  if (!date) return DASH;
  const hour = (seconds ? SECOND : HOUR).format(date);
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return hour;
  return `${(date.getFullYear() === now.getFullYear() ? DAY : DAY_OF_YEAR).format(date)}, ${hour}`;
}

/** @param {number | string | null | undefined} when */
export function whole(when) {
  const date = dated(when);
  return date ? WHOLE.format(date) : "";
}

/** @param {number | string | null | undefined} when */
export function day(when) {
  const date = dated(when);
  return date ? DAY.format(date) : DASH;
}

/**
 * @param {number | string | null | undefined} when
 * @returns {Date | null}
 */
export function dated(when) {
  if (when === null || when === undefined || when === "") return null;
  const date = new Date(when);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** @param {string} name as in `tool_failed` */
export function spaced(name) {
  const words = String(name).replaceAll("_", " ").replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * @param {number} number
 * @param {string} one
 * @param {string} many
 */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/**
 * @param {number | null | undefined} value
 * @returns {value is number}
 */
function known(value) {
  return value !== null && value !== undefined && !Number.isNaN(value);
}
