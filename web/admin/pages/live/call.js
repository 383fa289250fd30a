/** One call that is up: its words as they are spoken, its time line, its tools, and what a supervisor may do. */

import { get } from "../../kit/api.js";
import { fill, h } from "../../kit/dom.js";
import { Feed } from "../../kit/feed.js";
import { clock, dated, money } from "../../kit/format.js";
import { icon } from "../../kit/icons.js";
import { figures } from "../../kit/page.js";
import { pill } from "../../kit/pills.js";
import { failed, loading } from "../../kit/states.js";
import { other } from "../calls/columns.js";
import { Actions } from "./actions.js";
import { timeline } from "./timeline.js";
import { Words } from "./words.js";

export class LiveCall {
  /**
   * @param {HTMLElement} place
   * @param {string} id
   * @param {import("../../places.js").Here} here
   */
  constructor(place, id, here) {
    this._id = id;
    this._call = null;
    this._ended = false;
    this._facts = h("div");
    this._title = h("h2", {}, "Call");
    this._under = h("p", { class: "note" });
    this._words = new Words();
    this._lanes = timeline();
    this._actions = new Actions(id, here.who);
    this._after = h("p", { class: "after", role: "status" });
    fill(
      place,
      h(
        "div",
        { class: "panel call" },
        h(
          "header",
          {},
          h("a", { class: "plain back", href: "/admin", "aria-label": "Close the call" }, icon("close")),
          h("div", { class: "who-calls" }, this._title, this._under),
          h("div", { class: "right" }, this._actions.buttons),
        ),
        this._after,
        this._facts,
        this._lanes.figure,
        this._words.box,
        this._actions.note,
      ),
    );
    fill(this._words.list, h("li", {}, loading("the call")));
    this._feed = new Feed(
      `/api/calls/${encodeURIComponent(id)}/live`,
      {
        snapshot: (told) => this._all(told),
        call: (call) => this._is(call),
        line: (line) => this._words.line(line),
        hearing: ({ text }) => this._words.hearing(text),
        tool: (tool) => this._words.tool(tool),
        moment: (moment) => this._lanes.moment(moment),
        ended: ({ reason }) => this._over(reason),
      },
      (line) => line === "lost" && !this._call && this._why(),
    );
    this._timer = setInterval(() => this._call && !this._ended && this._draw(), 1000);
  }

  close() {
    clearInterval(this._timer);
    this._lanes.close();
    this._feed.close();
  }

  /** A stream does not say why it was refused; the record of the call may. */
  async _why() {
    try {
      const call = await get(`/api/calls/${encodeURIComponent(this._id)}`);
      if (this._call || !call.ended_at) return;
      this._is({ ...call, state: "ended", turn: call.turns });
      fill(this._words.list);
    } catch (error) {
      if (!this._call) fill(this._words.list, h("li", {}, failed(error)));
    }
  }

  /** @param {{call: any, lines: any[], tools: any[], hearing: string}} told */
  _all(told) {
    this._words.begin(told.call?.agent ?? "Agent");
    this._is(told.call);
    const waiting = [...told.tools];
    for (const line of told.lines) {
      // A tool stands before the first words that could tell of it: when it ran is not always known.
      while (line.who === "bot" && waiting.length && waiting[0].turn <= line.turn) this._words.tool(waiting.shift());
      this._words.line(line);
    }
    for (const tool of waiting) this._words.tool(tool);
    this._words.hearing(told.hearing);
  }

  /** @param {any} call */
  _is(call) {
    if (!call) return;
    this._call = call;
    this._title.textContent = other(call);
    this._under.textContent = [
      call.specialist ? `${call.agent}, ${call.specialist}` : call.agent,
      call.agent_version,
      call.channel === "phone" ? `to ${call.called}` : call.channel,
      call.language,
    ]
      .filter(Boolean)
      .join(" · ");
    if (call.state === "ended") this._over("");
    this._draw();
  }

  _draw() {
    const call = this._call;
    const began = dated(call.started_at);
    const lasted = this._ended || !began ? call.seconds : (Date.now() - began.getTime()) / 1000;
    fill(
      this._facts,
      figures([
        ["State", pill(call.state), "worded"],
        ["Time", clock(lasted)],
        ["Mood", call.emotion ? pill(call.emotion) : "–", "worded"],
        ["Turns", String(call.turn)],
        ["Interrupted", String(call.interruptions)],
        ["Cost so far", money(call.cost_usd)],
      ]),
    );
  }

  /** @param {string} reason */
  _over(reason) {
    if (this._ended) return;
    this._ended = true;
    this._feed?.close();
    this._lanes.close();
    this._words.close();
    this._actions.over();
    fill(
      this._after,
      `The call is over${reason ? `: ${reason}` : ""}. `,
      h("a", { href: `/admin/calls/${encodeURIComponent(this._id)}` }, "See its record"),
    );
    if (this._call) {
      this._call = { ...this._call, state: "ended", seconds: this._call.seconds };
      this._draw();
    }
  }
}
