/** The controls of HIPAA and PCI DSS, checked against this installation as it runs. */

import { get, post } from "../kit/api.js";
import { asked } from "../kit/dialog.js";
import { fill, h, typed } from "../kit/dom.js";
import { field, input } from "../kit/forms.js";
import { moment, percent, plural, whole } from "../kit/format.js";
import { icon } from "../kit/icons.js";
import { figures, head, panel } from "../kit/page.js";
import { chip, pill } from "../kit/pills.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";
import { may } from "../who.js";

/** @type {Record<string, [string, string]>} */
const RESULTS = {
  pass: ["good", "Passes"],
  fail: ["bad", "Fails"],
  declare: ["warn", "Declare by hand"],
  declared: ["good", "Declared"],
  unknown: ["warn", "Could not be checked"],
};

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const body = h("div");
  const admin = may(here.who, "admin");
  const load = () =>
    shown(
      body,
      "the audit; it looks at everything anew",
      () => get("/api/compliance-audit"),
      (told) => drawn(told, admin, load),
    );
  fill(
    page,
    head("Compliance", {
      right: [
        h("button", { type: "button", class: "button", onclick: () => load() }, "Check again"),
        ...["markdown", "pdf"].map((format) =>
          h(
            "a",
            { class: "button", download: true, href: `/api/compliance-audit?format=${format}` },
            icon("down"),
            format === "pdf" ? "PDF" : "Markdown",
          ),
        ),
      ],
    }),
    body,
  );
  await load();
  return { title: "Compliance" };
}

/**
 * @param {any} told
 * @param {boolean} admin
 * @param {() => void} load
 */
function drawn(told, admin, load) {
  const controls = told.controls;
  if (controls.length === 0)
    return h(
      "div",
      { class: "panel" },
      empty("No control was checked", "The audit found nothing to look at: see the service's log."),
    );
  const of = (/** @type {string[]} */ ...results) =>
    controls.filter((/** @type {any} */ each) => results.includes(each.result));
  const order = ["fail", "unknown", "declare", "declared", "pass"];
  const sorted = [...controls].sort((a, b) => order.indexOf(a.result) - order.indexOf(b.result));
  return [
    h(
      "section",
      { class: "panel", "aria-label": "In short" },
      figures([
        ["Score", percent(told.score / 100)],
        ["Pass", String(of("pass").length)],
        ["Fail", String(of("fail").length)],
        ["Could not be checked", String(of("unknown").length)],
        ["To declare by hand", String(of("declare").length)],
        ["Declared", String(of("declared").length)],
        ["Checked", moment(told.at)],
      ]),
    ),
    panel(
      "Controls",
      table(
        "Controls, what fails first",
        [
          {
            head: "Control",
            cell: (each) => [
              h("span", { class: "main" }, each.title),
              h("span", { class: "under" }, each.paragraph),
            ],
          },
          {
            head: "Result",
            className: "tight",
            cell: (each) => pill(each.result, ...(RESULTS[each.result] ?? ["warn", each.result])),
          },
          { head: "Severity", cell: (each) => chip(each.severity) },
          {
            head: "What was found",
            cell: (each) => [
              ...typed(capital(each.detail)),
              declaredBy(each),
              each.result !== "pass" && each.remedy && h("span", { class: "under" }, typed(capital(each.remedy))),
            ],
          },
          {
            head: "Do",
            quiet: true,
            className: "actions",
            cell: (each) =>
              admin &&
              ["declare", "declared"].includes(each.result) &&
              h(
                "button",
                {
                  type: "button",
                  class: "button",
                  "aria-label": `Declare ${each.title}`,
                  onclick: () => declare(each, load),
                },
                "Declare",
              ),
          },
        ],
        sorted,
      ),
      { note: plural(controls.length, "control") },
    ),
  ];
}

/** @param {string} text a name of a file or a process at its beginning stays as it is */
function capital(text) {
  return /^[a-z]+(?=[ ,:;.]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** @param {any} each */
function declaredBy(each) {
  const by = each.declared;
  return (
    by &&
    h(
      "span",
      { class: "under" },
      `Declared by ${by.who}, `,
      h("time", { title: whole(by.at) }, moment(by.at)),
      by.note && `: ${by.note}`,
    )
  );
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function declare(each, load) {
  const done = await asked({
    title: each.title,
    body: [
      h(
        "p",
        {},
        "Nothing here can check this. You declare that it holds; your name and the time stand in the report and in the audit.",
      ),
      field(
        "On what grounds",
        input("note", { required: true, maxlength: 300, placeholder: "Agreement signed with the vendor on 3 March" }),
      ),
    ],
    yes: "Declare",
    act: (data) =>
      post("/api/compliance-checklist", { control: each.id, note: String(data.get("note")).trim() }),
  });
  if (done) load();
}
