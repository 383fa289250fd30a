/** Settings that may be changed while everything runs: what each is, where it comes from, who changed it when. */

import { get, post } from "../kit/api.js";
import { asked } from "../kit/dialog.js";
import { fill, h, typed } from "../kit/dom.js";
import { field, input } from "../kit/forms.js";
import { plural } from "../kit/format.js";
import { icon } from "../kit/icons.js";
import { say } from "../kit/news.js";
import { head, panel } from "../kit/page.js";
import { shown } from "../kit/states.js";
import { table } from "../kit/table.js";
import { may } from "../who.js";
import { control, given } from "./configuration/control.js";
import { grouped } from "./configuration/groups.js";
import { history } from "./configuration/history.js";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const body = h("div");
  let revision = 0;
  const search = input("search", { type: "search", placeholder: "Find a setting", "aria-label": "Find a setting" });
  const admin = may(here.who, "admin");
  fill(
    page,
    head("Configuration", {
      beside: admin ? null : "To change something takes the role admin.",
      right: [h("div", { class: "inline one" }, search)],
    }),
    body,
  );

  /** Asks again after each change. */
  function load() {
    return shown(
      body,
      "the settings",
      () => Promise.all([get("/api/config"), get("/api/config/history")]),
      ([config, past]) => {
        revision = config.revision;
        const groups = grouped(config.settings).map(({ title, settings }) =>
          panel(
            title,
            table(title, columns(admin, changed), settings, {
              className: "settings",
              each: (row, setting) => (row.dataset.search = `${setting.name} ${setting.description}`.toLowerCase()),
            }),
          ),
        );
        return [!config.seals && sealless(), ...groups, history(past, admin, load)];
      },
    ).then(() => narrow());
  }

  /** Shows the settings that the words fit. */
  function narrow() {
    const words = search.value.trim().toLowerCase().split(/\s+/);
    for (const part of body.querySelectorAll(".panel")) {
      const rows = /** @type {HTMLElement[]} */ ([...part.querySelectorAll("[data-search]")]);
      for (const row of rows) row.hidden = !words.every((word) => row.dataset.search?.includes(word));
      /** @type {HTMLElement} */ (part).hidden = rows.length > 0 && rows.every((row) => row.hidden);
    }
  }

  /** @param {any} setting */
  async function changed(setting) {
    let taken = null;
    const done = await asked({
      title: setting.name,
      body: [
        h("p", {}, typed(setting.description)),
        control(setting),
        field(
          "Why",
          input("note", { maxlength: 200 }),
          "Stands in the history. New calls are answered by it within 2 s; calls that are up keep what they have.",
        ),
      ],
      yes: "Change",
      act: async (data) => {
        taken = await post("/api/config", {
          changes: { [setting.name]: given(setting, data) },
          note: String(data.get("note") ?? "").trim(),
          revision,
        });
      },
    });
    if (!done) return;
    say(became(setting.name, taken));
    await load();
  }
  search.addEventListener("input", narrow);
  await load();
  return { title: "Configuration" };
}

/**
 * @param {boolean} admin
 * @param {(setting: any) => void} changed
 * @returns {Array<import("../kit/table.js").Column<any>>}
 */
function columns(admin, changed) {
  return [
    {
      head: "Setting",
      cell: (setting) => [
        h("code", { class: "main" }, setting.name),
        h("span", { class: "under" }, typed(setting.description)),
      ],
    },
    { head: "Value", className: "value", cell: shownValue },
    { head: "From", className: "tight", cell: from },
    {
      head: "Change",
      quiet: true,
      className: "actions lead",
      cell: (setting) =>
        admin &&
        setting.source !== "environment" &&
        h(
          "button",
          {
            type: "button",
            class: "button",
            "aria-label": `Change ${setting.name}`,
            onclick: () => changed(setting),
          },
          "Change",
        ),
    },
  ];
}

/** @param {any} setting what processes have for new calls; before any tells: what is stored */
function shownValue(setting) {
  const had = [...new Set(Object.values(setting.has).flat())];
  const values = had.length ? had : [setting.value ?? setting.default];
  return [
    values.map((value) =>
      value
        ? h("code", { class: "line-of" }, value)
        : h("span", { class: "note" }, setting.kind === "secret" ? "not set" : "empty"),
    ),
    values.length > 1 && h("span", { class: "under bad" }, "processes differ"),
    setting.refused.map((/** @type {any} */ each) => h("span", { class: "under bad" }, `${each.service}: ${each.why}`)),
  ].flat();
}

/** @param {any} setting */
function from(setting) {
  if (setting.source === "environment")
    return [
      h("span", {}, icon("lock"), "environment"),
      h("span", { class: "under" }, `locked: of ${setting.locked_by.join(", ")}`),
    ];
  return setting.source === "live" ? "set here" : h("span", { class: "note" }, "default");
}

/** Secrets cannot be set without a key to seal them. */
function sealless() {
  return h(
    "div",
    { class: "panel" },
    h(
      "p",
      { class: "warning" },
      "Secrets cannot be set here: there is no key to seal them with. Set PARLEY_CONFIG_KEY for the services; parley run makes one.",
    ),
  );
}

/**
 * @param {string} name
 * @param {any} taken
 */
function became(name, taken) {
  if (taken.refused.length)
    return `${name} is stored, but ${taken.refused[0].service} did not take it: ${taken.refused[0].why}`;
  if (taken.waiting.length)
    return `${name} is stored; ${plural(taken.waiting.length, "process", "processes")} did not yet say that it has it.`;
  return `${name} is changed; ${plural(taken.taken, "process has", "processes have")} it for new calls.`;
}
