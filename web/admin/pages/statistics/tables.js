/** The tables behind the charts. */

import { count, decimal, money, percent } from "../../kit/format.js";
import { table } from "../../kit/table.js";

/** @type {Record<string, string>} */
export const STAGES = { ears: "Recognised", first_token: "First word", first_sound: "First sound", heard: "Heard", over: "Heard out" };

const HOUR = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const HOUR_ALONE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const DAY_ALONE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const LONGEST = 14;

/**
 * @param {string} key of a row
 * @param {string} by
 * @param {boolean} short for below a chart
 */
export function named(key, by, short = false) {
  const date = new Date(by === "hour" && key.length <= 13 ? `${key}:00Z` : key);
  if (by === "hour" && !Number.isNaN(date.getTime())) return (short ? HOUR_ALONE : HOUR).format(date);
  if (by === "day" && !Number.isNaN(date.getTime())) return (short ? DAY_ALONE : DAY).format(date);
  return short && key.length > LONGEST ? `${key.slice(0, LONGEST - 1)}…` : key || "none";
}

/** @param {any} stats */
export function statTable(stats) {
  return table(
    `Figures by ${stats.by}`,
    [
      {
        head: { hour: "Hour", day: "Day", agent: "Agent", number: "Number" }[/** @type {string} */ (stats.by)] ?? "",
        cell: (row) => named(row.key, stats.by),
      },
      { head: "Calls", figure: true, cell: (row) => count(row.calls) },
      { head: "Minutes", figure: true, cell: (row) => decimal(row.minutes) },
      { head: "Answer p50, ms", figure: true, cell: (row) => count(row.answer_ms?.p50) },
      { head: "p95, ms", figure: true, cell: (row) => count(row.answer_ms?.p95) },
      { head: "Without a person", figure: true, cell: (row) => percent(row.containment) },
      { head: "Transferred", figure: true, cell: (row) => count(row.transfers) },
      { head: "Interrupted", figure: true, cell: (row) => count(row.interruptions) },
      { head: "Cost", figure: true, cell: (row) => money(row.cost_usd) },
    ],
    stats.rows,
    { plain: true },
  );
}

/** @param {any[]} rows */
export function stageTable(rows) {
  return table(
    "Percentiles of each stage, ms after the caller's last word",
    [
      { head: "Stage", cell: (row) => STAGES[row.stage] ?? row.stage },
      { head: "Turns", figure: true, cell: (row) => count(row.n) },
      ...["p50", "p90", "p95", "p99"].map((name) => ({
        head: `${name}, ms`,
        figure: true,
        cell: (/** @type {any} */ row) => count(row[name]),
      })),
    ],
    rows,
    { plain: true },
  );
}
