/** What a supervisor may do with a call that is up. Each is asked for, and the call says what became of it. */

import { post } from "../../kit/api.js";
import { asked } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { field, form, input } from "../../kit/forms.js";
import { say } from "../../kit/news.js";
import { may } from "../../who.js";

const NOTE_MAX = 500;

export class Actions {
  /**
   * @param {string} id
   * @param {import("../../who.js").Who} who
   */
  constructor(id, who) {
    this._path = `/api/calls/${encodeURIComponent(id)}`;
    this._who = who;
    /** @type {HTMLElement[]} */
    this.buttons = [];
    /** @type {HTMLElement | null} */
    this.note = null;
    if (!may(who, "supervisor")) return;
    this.buttons = [
      this._button("Take over", () => this._takeOver()),
      this._button("Transfer", () => this._transfer()),
      this._button("Hang up", () => this._hangUp(), "danger"),
    ];
    this.note = this._noted();
  }

  /** Nothing can be done any more. */
  over() {
    for (const button of this.buttons) button.remove();
    this.note?.remove();
  }

  /**
   * @param {string} text
   * @param {() => void} act
   * @param {string} [more]
   */
  _button(text, act, more = "") {
    return h("button", { type: "button", class: `button ${more}`, onclick: act }, text);
  }

  _noted() {
    const text = input("text", {
      maxlength: NOTE_MAX,
      required: true,
      placeholder: "Offer ten percent",
      "aria-label": "A note to the agent",
    });
    const made = form({
      className: "inline",
      body: [text],
      send: "Send note",
      act: async (data) => {
        await post(`${this._path}/note`, { text: String(data.get("text")).trim() });
        made.reset();
        say("The agent has your note for its next answer.");
      },
    });
    return h(
      "div",
      { class: "noting" },
      h("p", { class: "hint" }, "Only the agent reads it; the caller does not hear of it."),
      made,
    );
  }

  async _hangUp() {
    const done = await asked({
      title: "Hang up this call?",
      body: [h("p", {}, "The agent says goodbye and the call ends.")],
      yes: "Hang up",
      danger: true,
      act: () => post(`${this._path}/hang-up`, { reason: "" }),
    });
    if (done) say("The agent was asked to end the call.");
  }

  async _transfer() {
    let to = "";
    const done = await asked({
      title: "Transfer this call",
      body: [
        h("p", {}, "The agent tells the caller, then hands over."),
        field(
          "To number",
          input("to", { type: "tel", required: true, placeholder: "+15550100199" }),
          "With country code, as in +15550100199.",
        ),
      ],
      yes: "Transfer",
      act: (data) => {
        to = String(data.get("to")).trim();
        return post(`${this._path}/transfer`, { to, reason: "" });
      },
    });
    if (done) say(`The agent was asked to hand over to ${to}.`);
  }

  async _takeOver() {
    const done = await asked({
      title: "Take this call over",
      body: [
        h("p", {}, "The call is transferred to your telephone. Have it at hand."),
        field(
          "Your number",
          input("to", { type: "tel", value: this._who.number, placeholder: "+15550100199" }),
          "Empty: the number of your account.",
        ),
      ],
      yes: "Take over",
      act: (data) => post(`${this._path}/take-over`, { to: String(data.get("to")).trim() }),
    });
    if (done) say("The agent was asked to hand over to you. Your telephone rings in a moment.");
  }
}
