/** One's own account: the password, the authenticator, the number that calls are taken over to. */

import { post } from "../../kit/api.js";
import { asked } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { field, input } from "../../kit/forms.js";
import { say } from "../../kit/news.js";
import { inside, pairs, panel } from "../../kit/page.js";

/** @param {import("../../who.js").Who} who */
export function own(who) {
  return panel("Your account", inside(pairs([
    ["Name", who.name], ["Role", who.role], ["Number for taking over calls", who.number || "none is set"],
  ])), { right: [h("button", { type: "button", class: "button", onclick: password }, "Change password")] });
}

/** A new password for the old one. */
async function password() {
  const secret = (/** @type {string} */ name, /** @type {string} */ complete) =>
    input(name, { type: "password", required: true, autocomplete: complete, minlength: name === "new" ? 12 : null });
  const done = await asked({
    title: "Change your password",
    body: [
      field("Password now", secret("old", "current-password")),
      field("New password", secret("new", "new-password"), "At least 12 characters; a sentence is easier to keep in mind than signs."),
    ],
    yes: "Change",
    act: (data) => post("/api/session/password", { old: data.get("old"), new: data.get("new") }),
  });
  if (done) say("Your password is changed. Other sessions of yours are logged out.");
}
