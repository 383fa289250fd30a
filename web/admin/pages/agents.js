/** The bots: their versions, which takes calls, and how the versions do beside each other. */

import { get, post } from "../kit/api.js";
import { asked } from "../kit/dialog.js";
import { fill, h } from "../kit/dom.js";
import { field, input } from "../kit/forms.js";
import { count, decimal, millis, money, moment, percent, plural, spaced } from "../kit/format.js";
import { head, panel } from "../kit/page.js";
import { chip, pill } from "../kit/pills.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";
import { may } from "../who.js";

const FOLDER = "folder";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const body = h("div");
  const admin = may(here.who, "admin");
  const beside = h("span");
  fill(page, head("Agents", { beside }), body);
  const load = () =>
    shown(
      body,
      "the agents",
      () => get("/api/agents"),
      ({ items, days }) => {
        fill(beside, `Figures of the last ${plural(days, "day")}.`);
        if (items.length === 0)
          return h(
            "div",
            { class: "panel" },
            empty("No agent yet", "Make one: parley agent new NAME, on the machine."),
          );
        return items.map((/** @type {any} */ agent) => bot(agent, admin, load));
      },
    );
  await load();
  return { title: "Agents" };
}

/**
 * @param {any} agent
 * @param {boolean} admin
 * @param {() => void} load
 */
function bot(agent, admin, load) {
  const published = agent.versions.some((/** @type {any} */ each) => each.id !== FOLDER);
  return panel(
    agent.name,
    [
      table(
        `Versions of ${agent.name}`,
        [
          ...COLUMNS,
          { head: "Do", quiet: true, className: "actions", cell: (each) => admin && actions(agent, each, load) },
        ],
        agent.versions,
        { className: "versions" },
      ),
      !published &&
        h(
          "p",
          { class: "hint foot" },
          "Its folder answers, as it is at this moment. ",
          h("code", {}, `parley agent publish ${agent.name}`),
          " makes a version of it, which stays as it is.",
        ),
    ],
    {
      note: [
        agent.is_default && chip("answers where no number says otherwise"),
        !agent.here && chip("no process has it"),
      ],
      right:
        admin && agent.canary
          ? [
              button("Give the canary all calls", () => roll(agent, "promote", {}, load)),
              button("End the canary", () => roll(agent, "rollback", { version: "" }, load)),
            ]
          : [],
    },
  );
}

/** @type {Array<import("../kit/table.js").Column<any>>} */
const COLUMNS = [
  {
    head: "Version",
    cell: (each) => [
      h("code", { class: "main" }, each.id === FOLDER ? "folder" : each.id.slice(0, 12)),
      h("span", { class: "under" }, each.at && moment(each.at * 1000), each.note && ` · ${each.note}`),
    ],
  },
  { head: "New calls", className: "tight named", cell: takes },
  { head: "Calls", figure: true, cell: (each) => count(each.figures?.calls) },
  { head: "Turns a call", figure: true, minor: true, cell: (each) => decimal(perCall(each.figures, "turns")) },
  { head: "Answered", figure: true, minor: true, cell: (each) => percent(each.figures?.answer_rate) },
  { head: "Answered in", figure: true, cell: (each) => millis(each.figures?.answer_ms) },
  { head: "Interrupted", figure: true, minor: true, cell: (each) => decimal(perCall(each.figures, "interruptions")) },
  { head: "Cost a call", figure: true, cell: (each) => money(each.figures?.usd_per_call) },
  { head: "Outcomes", minor: true, cell: outcomes },
];

/**
 * @param {any} figures
 * @param {string} name
 */
function perCall(figures, name) {
  return figures?.calls ? figures[name] / figures.calls : null;
}

/** @param {any} each the most frequent ones */
function outcomes(each) {
  const those = Object.entries(each.figures?.outcomes ?? {}).sort(([, one], [, other]) => other - one);
  return those
    .slice(0, 3)
    .map(([name, calls]) =>
      h(
        "span",
        { class: "line-of" },
        `${spaced(name)} `,
        h("span", { class: "note" }, percent(calls / each.figures.calls)),
      ),
    );
}

/** @param {any} each */
function takes(each) {
  if (each.is_canary) return pill("canary", "warn", `${each.share} %, on trial`);
  if (each.is_current) return pill("on", "good", each.share < 100 ? `${each.share} %` : "All");
  return h("span", { class: "note" }, each.is_previous ? "none; the one before" : "none");
}

/**
 * @param {any} agent
 * @param {any} each
 * @param {() => void} load
 */
function actions(agent, each, load) {
  if (each.is_current || each.is_canary) return null;
  if (each.id === FOLDER)
    return button(
      "Answer with it",
      () => roll(agent, "unpublish", {}, load),
      `Answer with the folder of ${agent.name}`,
    );
  return [
    button("Try it", () => canary(agent, each, load), `Try ${each.id} of ${agent.name}`),
    " ",
    button(
      each.is_previous ? "Go back to it" : "Answer with it",
      () => roll(agent, "rollback", { version: each.id }, load),
      `Answer with ${each.id} of ${agent.name}`,
    ),
  ];
}

/**
 * @param {string} text
 * @param {() => void} act
 * @param {string} [label]
 */
function button(text, act, label = text) {
  return h(
    "button",
    { type: "button", class: "button", "aria-label": label.includes(text) ? label : `${text}: ${label}`, onclick: act },
    text,
  );
}

/** @type {Record<string, [string, string]>} */
const ROLLS = {
  promote: ["Give the canary all new calls?", "The version that is on trial answers all new calls."],
  rollback: ["Change the version that answers?", "New calls are answered by the version that you chose."],
  unpublish: [
    "Answer from the folder?",
    "New calls are answered by what lies in the agent's folder. The versions stay.",
  ],
};

/**
 * @param {any} agent
 * @param {string} how
 * @param {Record<string, string>} body
 * @param {() => void} load
 */
async function roll(agent, how, body, load) {
  const [title, what] = ROLLS[how];
  const done = await asked({
    title,
    yes: "Yes, for new calls",
    body: [h("p", {}, `${agent.name}: ${what} Calls that are up keep theirs.`)],
    act: () => post(`/api/agents/${encodeURIComponent(agent.name)}/${how}`, body),
  });
  if (done) load();
}

/**
 * @param {any} agent
 * @param {any} each
 * @param {() => void} load
 */
async function canary(agent, each, load) {
  const done = await asked({
    title: `Try a version of ${agent.name}`,
    body: [
      h(
        "p",
        {},
        "It answers a share of new calls, beside the version that answers now, so that their figures can be compared.",
      ),
      field(
        "Share of new calls, percent",
        input("percent", { type: "number", min: 1, max: 99, value: 10, required: true }),
      ),
    ],
    yes: "Try it",
    act: (data) =>
      post(`/api/agents/${encodeURIComponent(agent.name)}/canary`, {
        version: each.id,
        percent: Number(data.get("percent")),
      }),
  });
  if (done) load();
}
