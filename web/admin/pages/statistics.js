/** How the calls went: how many, how fast they were answered, how many needed a person, what they cost. */

import { figure } from "../charts/figure.js";
import { columns } from "../charts/columns.js";
import { curves } from "../charts/curves.js";
import { spans } from "../charts/spans.js";
import { get } from "../kit/api.js";
import { fill, h } from "../kit/dom.js";
import { field, input } from "../kit/forms.js";
import { count, decimal, millis, money, percent, plural } from "../kit/format.js";
import { figures, head, tabs } from "../kit/page.js";
import { empty, shown } from "../kit/states.js";
import { named, stageTable, statTable, STAGES } from "./statistics/tables.js";

const DAY_MS = 86_400_000;
const BY = /** @type {Array<[string, string]>} */ ([
  ["hour", "Hour"],
  ["day", "Day"],
  ["agent", "Agent"],
  ["number", "Number"],
]);

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export function open(page, here) {
  const place = h("div");
  let by = here.query.get("by") ?? "day";
  const from = input("from", { type: "date", value: here.query.get("from") ?? iso(Date.now() - 6 * DAY_MS) });
  const to = input("to", { type: "date", value: here.query.get("to") ?? "" });
  const agent = input("agent", { type: "search", value: here.query.get("agent") ?? "", placeholder: "All" });

  /** Asks for what the fields say. */
  function ask() {
    const query = { by, from: from.value, to: to.value, agent: agent.value.trim() };
    const parts = Object.entries(query).filter(([, value]) => value);
    history.replaceState(null, "", `/admin/statistics?${new URLSearchParams(parts)}`);
    return shown(place, "the figures", () => get("/api/stats", query), drawn);
  }
  for (const each of [from, to, agent]) each.addEventListener("change", ask);
  fill(
    page,
    head("Statistics"),
    h(
      "div",
      { class: "bar-of" },
      tabs("By", BY, by, (chosen) => {
        by = chosen;
        ask();
      }),
      field("From", from),
      field("To", to),
      field("Agent", agent),
    ),
    place,
  );
  ask();
  return { title: "Statistics" };
}

/** @param {any} stats */
function drawn(stats) {
  const { totals, rows } = stats;
  if (!totals.calls)
    return h(
      "div",
      { class: "panel" },
      empty("No call in this time", "Choose an earlier day, or take the agent away."),
    );
  const table = () => statTable(stats);
  const time = stats.by === "hour" || stats.by === "day";
  const ordered = time
    ? [...rows].sort((a, b) => (a.key < b.key ? -1 : 1))
    : [...rows].sort((a, b) => b.calls - a.calls).slice(0, 12);
  const places = ordered.map((row) => ({ row, name: named(row.key, stats.by, true), whole: named(row.key, stats.by) }));
  const per = { hour: "hour", day: "day", agent: "agent", number: "number" }[/** @type {string} */ (stats.by)];
  return [
    h(
      "section",
      { class: "panel", "aria-label": "In all" },
      figures([
        ["Calls", count(totals.calls)],
        ["Minutes", count(totals.minutes)],
        ["Half answered in", millis(totals.answer_ms?.p50)],
        ["95 % answered in", millis(totals.answer_ms?.p95)],
        ["Without a person", percent(totals.containment)],
        ["Transferred", count(totals.transfers)],
        ["Interrupted", count(totals.interruptions)],
        ["Cost", money(totals.cost_usd)],
        ["Cost of a minute", money(totals.minutes ? totals.cost_usd / totals.minutes : null)],
      ]),
    ),
    h(
      "div",
      { class: "grid charts" },
      figure(
        `Calls by ${per}`,
        (width) =>
          columns(
            width,
            `Calls by ${per}: ${plural(totals.calls, "call")} in all`,
            places.map(({ row, name, whole }) => ({
              name,
              all: row.calls,
              part: row.calls - (row.transfers ?? 0),
              title: `${whole}: ${plural(row.calls, "call")}, ${row.transfers} transferred`,
            })),
            count,
          ),
        table,
        [
          ["", "stayed with the agent"],
          ["quiet", "transferred"],
        ],
      ),
      figure(
        "Time to the answer",
        (width) =>
          curves(
            width,
            `Time to the answer by ${per}: half within ${millis(totals.answer_ms?.p50)}`,
            places.map(({ row, name, whole }) => ({
              name,
              first: row.answer_ms?.p50 ?? null,
              second: row.answer_ms?.p95 ?? null,
              title: `${whole}: half within ${millis(row.answer_ms?.p50)}, 95 % within ${millis(row.answer_ms?.p95)}`,
            })),
            (ms) => `${count(ms)}`,
          ),
        table,
        [
          ["", "half of the answers, ms"],
          ["second", "95 %, ms"],
        ],
      ),
      figure(
        `Minutes by ${per}`,
        (width) =>
          columns(
            width,
            `Minutes by ${per}: ${count(totals.minutes)} in all`,
            places.map(({ row, name, whole }) => ({
              name,
              all: row.minutes,
              title: `${whole}: ${decimal(row.minutes)} minutes`,
            })),
            count,
          ),
        table,
      ),
      figure(
        `Cost by ${per}`,
        (width) =>
          columns(
            width,
            `Cost by ${per}: ${money(totals.cost_usd)} in all`,
            places.map(({ row, name, whole }) => ({
              name,
              all: row.cost_usd,
              title: `${whole}: ${money(row.cost_usd)}`,
            })),
            (usd) => `$${usd}`,
          ),
        table,
      ),
    ),
    stages(stats.stages ?? []),
  ];
}

/** @param {any[]} rows */
function stages(rows) {
  // How long an answer is has nothing to do with how fast it came; the table has it.
  const answering = rows.filter((row) => row.stage !== "over" && row.n > 0);
  if (answering.length === 0) return null;
  return figure(
    "Where the time goes",
    (width) =>
      spans(
        width,
        "Percentiles of each stage of an answer",
        answering.map((row) => ({
          ...row,
          name: STAGES[row.stage] ?? row.stage,
          title: `${STAGES[row.stage] ?? row.stage}: half within ${row.p50} ms, 95 % within ${row.p95} ms, 99 % within ${row.p99} ms`,
        })),
        (ms) => count(ms),
      ),
    () => stageTable(rows),
    [
      ["", "half of the turns"],
      ["quiet", "95 %"],
      ["last", "99 %; ms after the caller's last word"],
    ],
  );
}

/** @param {number} at */
function iso(at) {
  return new Date(at).toISOString().slice(0, 10);
}
