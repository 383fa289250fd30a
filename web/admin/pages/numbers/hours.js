/** Opening hours: as a person reads them, and as they are written into the fields. */

import { h } from "../../kit/dom.js";
import { field, input, select } from "../../kit/forms.js";
import { Problem } from "../../kit/api.js";

export const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/**
 * Days that are alike stand together: "Mon–Fri 09:00–18:00".
 *
 * @param {any} hours
 * @returns {string[]}
 */
export function told(hours) {
  if (!hours) return [];
  const lines = [];
  let first = 0;
  for (let day = 1; day <= DAYS.length; day += 1) {
    const same = day < DAYS.length && written(hours, DAYS[day]) === written(hours, DAYS[first]);
    if (same) continue;
    const spans = written(hours, DAYS[first]);
    const name = day - 1 === first ? short(DAYS[first]) : `${short(DAYS[first])}–${short(DAYS[day - 1])}`;
    if (spans) lines.push(`${name} ${spans.replaceAll("-", "–")}`);
    first = day;
  }
  return lines;
}

/** @param {any} outside what becomes of a call when it is closed */
export function toldOutside(outside) {
  if (!outside) return "";
  if (outside.agent) return `answered by ${outside.agent}`;
  return [outside.say && `“${outside.say}”`, outside.transfer && `to ${outside.transfer}`]
    .filter(Boolean)
    .join(", then ");
}

/**
 * @param {any} hours
 * @param {string[]} agents
 * @returns {HTMLElement[]}
 */
export function fields(hours, agents) {
  const zones = Intl.supportedValuesOf("timeZone");
  const here = hours?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const outside = hours?.outside ?? {};
  const days = h(
    "div",
    { class: "week" },
    DAYS.map((day) =>
      field(
        day[0].toUpperCase() + day.slice(1),
        input(day, { value: hours ? written(hours, day) : "", placeholder: "closed" }),
      ),
    ),
  );
  const holidays = Object.entries(hours?.holidays ?? {})
    .map(([date, spans]) => [date, ...spans.map(span)].join(" "))
    .join("\n");
  return [
    field(
      "Time zone",
      select(
        "zone",
        [...new Set([here, ...zones])].map((zone) => [zone, zone]),
        here,
      ),
    ),
    h("p", { class: "hint" }, "From–to, as in 09:00-13:30, 15:00-18:00. What is empty is closed."),
    days,
    field(
      "Holidays",
      h("textarea", { name: "holidays", rows: 2, placeholder: "2026-12-24 09:00-12:00" }, holidays),
      "One a line: the date, with hours if it is open then. 12-25 is every year.",
    ),
    h(
      "fieldset",
      { class: "outside" },
      h("legend", {}, "When it is closed"),
      field(
        "This agent answers",
        select(
          "outside_agent",
          [["", "none: the caller is told"], ...agents.map((name) => /** @type {[string, string]} */ ([name, name]))],
          outside.agent ?? "",
        ),
      ),
      field(
        "or this is said",
        input("say", {
          value: outside.say ?? "",
          maxlength: 500,
          placeholder: "We are closed. Please call on weekdays from nine.",
        }),
      ),
      field(
        "and the call goes to",
        input("transfer", { type: "tel", value: outside.transfer ?? "", placeholder: "nobody" }),
      ),
    ),
  ];
}

/**
 * @param {FormData} data
 * @returns {any} raises Problem: a time that is none
 */
export function given(data) {
  const week = Object.fromEntries(
    DAYS.map((day) => [day, spans(text(data, day), day)]).filter(([, found]) => found.length),
  );
  const holidays = Object.fromEntries(
    text(data, "holidays")
      .split("\n")
      .filter((line) => line.trim())
      .map((line) => {
        const [date, ...rest] = line.trim().split(/\s+/);
        return [date, spans(rest.join(" "), "holidays")];
      }),
  );
  const agent = text(data, "outside_agent");
  const outside = agent ? { agent } : { say: text(data, "say"), transfer: text(data, "transfer") };
  return { zone: text(data, "zone"), week, holidays, outside };
}

/**
 * @param {string} written
 * @param {string} name of its field
 */
function spans(written, name) {
  return written
    .split(/[,;]\s*|\s+(?=\d)/)
    .filter(Boolean)
    .map((each) => {
      const [, opens, closes] = /^(\d\d?:\d\d)\s*[-–]\s*(\d\d?:\d\d)$/.exec(each.trim()) ?? [];
      if (!closes) {
        throw new Problem({
          status: 422,
          title: "This is no time",
          field: name,
          detail: `“${each}” is no time from–to.`,
          remedy: "Write it as 09:00-18:00.",
        });
      }
      return { opens: opens.padStart(5, "0"), closes: closes.padStart(5, "0") };
    });
}

/**
 * @param {any} hours
 * @param {string} day
 */
function written(hours, day) {
  return (hours.week?.[day] ?? []).map(span).join(", ");
}

/** @param {{opens: string, closes: string}} each */
function span({ opens, closes }) {
  return `${opens}-${closes}`;
}

/** @param {string} day */
function short(day) {
  return day[0].toUpperCase() + day.slice(1, 3);
}

/**
 * @param {FormData} data
 * @param {string} name
 */
function text(data, name) {
  return String(data.get(name) ?? "").trim();
}
