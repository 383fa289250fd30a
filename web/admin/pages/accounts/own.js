/** One's own account: the password, the authenticator, the number that calls are taken over to, open sessions. */

import { change, get, post } from "../../kit/api.js";
import { asked } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { field, input } from "../../kit/forms.js";
import { moment, whole } from "../../kit/format.js";
import { say, sayTrouble } from "../../kit/news.js";
import { inside, pairs, panel } from "../../kit/page.js";
import { chip } from "../../kit/pills.js";
import { shown } from "../../kit/states.js";
import { table } from "../../kit/table.js";

/** @type {Record<string, string>} */
const KINDS = { oidc: "at the provider", link: "by the one-time link", person: "by password" };

/**
 * @param {import("../../who.js").Who} who
 * @param {() => void} again draws the page anew
 */
export function own(who, again) {
  const local = who.kind === "person";
  const button = (/** @type {string} */ text, /** @type {() => Promise<boolean>} */ act) =>
    h("button", { type: "button", class: "button", onclick: async () => (await act()) && again() }, text);
  return panel(
    "Your account",
    inside(
      pairs([
        ["Name", [who.name, " ", chip(who.role)]],
        ["Logged in", KINDS[who.kind] ?? who.kind],
        ["Takes calls over to", who.number || "no number is set"],
        ["Authenticator", who.totp ? "on" : "off"],
      ]),
      !local &&
        h(
          "p",
          { class: "note" },
          who.kind === "link"
            ? "This is nobody's account. Add one for each person below, yourself first."
            : "What belongs to this account is kept at the provider.",
        ),
    ),
    {
      right: local
        ? [
            button("Password", password),
            button("Number", () => number(who)),
            who.totp ? button("Authenticator off", off) : button("Authenticator on", on),
          ]
        : [],
    },
  );
}

/** Where one is logged in. */
export function sessions() {
  const body = h("div");
  const load = () =>
    shown(
      body,
      "your sessions",
      () => get("/api/session/mine"),
      ({ items }) =>
        table(
          "Your open sessions",
          [
            {
              head: "Browser",
              cell: (each) => [
                h("span", { class: "main" }, browser(each.browser)),
                h("span", { class: "under" }, each.here ? "this one" : each.address),
              ],
            },
            {
              head: "Last seen",
              className: "tight named",
              cell: (each) => h("time", { title: whole(each.seen_at) }, moment(each.seen_at)),
            },
            {
              head: "Since",
              className: "tight",
              minor: true,
              cell: (each) => h("time", { title: whole(each.made_at) }, moment(each.made_at)),
            },
            {
              head: "End",
              quiet: true,
              className: "actions lead",
              cell: (each) =>
                !each.here &&
                h(
                  "button",
                  {
                    type: "button",
                    class: "button danger",
                    "aria-label": `End the session seen ${moment(each.seen_at)}`,
                    onclick: () => change("DELETE", `/api/session/mine/${each.id}`).then(load, sayTrouble),
                  },
                  "End",
                ),
            },
          ],
          items,
        ),
    );
  load();
  return panel("Where you are logged in", body);
}

/** @param {string} agent as browsers call themselves */
function browser(agent) {
  const name = /Edg|Firefox|Chrome|Safari/.exec(agent)?.[0] ?? "Browser";
  const system = /Android|iPhone|iPad|Windows|Mac OS|Linux/.exec(agent)?.[0];
  return `${name === "Edg" ? "Edge" : name}${system ? ` on ${system}` : ""}`;
}

/** A new password for the old one. */
async function password() {
  const secret = (/** @type {string} */ name, /** @type {string} */ complete) =>
    input(name, { type: "password", required: true, autocomplete: complete });
  const done = await asked({
    title: "Change your password",
    body: [
      field("Password now", secret("old", "current-password")),
      field("New password", secret("new", "new-password"), "A few words that nobody guesses are better than signs."),
    ],
    yes: "Change",
    act: (data) => post("/api/session/password", { old: data.get("old"), new: data.get("new") }),
  });
  if (done) say("Your password is changed. Your other sessions are logged out.");
  return done;
}

/** @param {import("../../who.js").Who} who */
function number(who) {
  return asked({
    title: "Where calls that you take over ring",
    body: [
      field(
        "Number",
        input("number", { type: "tel", value: who.number, placeholder: "+15550100199" }),
        "With country code. Empty: none.",
      ),
    ],
    yes: "Save",
    act: (data) => post("/api/session/number", { number: String(data.get("number")).trim() }),
  });
}

/** The secret for an authenticator, then its first code. */
async function on() {
  let begun;
  try {
    begun = await post("/api/session/totp");
  } catch (error) {
    sayTrouble(error);
    return false;
  }
  return asked({
    title: "Turn the authenticator on",
    body: [
      h("p", {}, "Scan this with your authenticator, or ", h("a", { href: begun.uri }, "open it there"), "."),
      h("img", { class: "scanned", src: begun.picture, alt: "The key as a QR code", width: 200, height: 200 }),
      h("p", {}, "If it has no camera, enter the key by hand:"),
      h("code", { class: "once" }, begun.secret.replace(/(.{4})/g, "$1 ").trim()),
      field(
        "The code that it shows",
        input("code", { inputmode: "numeric", required: true, maxlength: 10, autocomplete: "one-time-code" }),
      ),
    ],
    yes: "Turn on",
    act: (data) => post("/api/session/totp/on", { pending: begun.pending, code: String(data.get("code")).trim() }),
  });
}

/** Asks for the password first. */
function off() {
  return asked({
    title: "Turn the authenticator off?",
    body: [
      field("Your password", input("password", { type: "password", required: true, autocomplete: "current-password" })),
    ],
    yes: "Turn off",
    danger: true,
    act: (data) => post("/api/session/totp/off", { password: data.get("password") }),
  });
}
