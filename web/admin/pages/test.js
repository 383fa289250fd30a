/** One sentence through the model, the understanding, or the voice: whether each works, and how fast. */

import { post, postForSound } from "../kit/api.js";
import { fill, h } from "../kit/dom.js";
import { field, form, input } from "../kit/forms.js";
import { millis, percent } from "../kit/format.js";
import { head, inside, pairs, panel } from "../kit/page.js";
import { pill } from "../kit/pills.js";
import { may } from "../who.js";
import { noRight } from "../kit/states.js";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export function open(page, here) {
  fill(page, head("Test", { beside: "One sentence through the services as they run now. No call is made." }));
  if (!may(here.who, "supervisor")) page.append(h("div", { class: "panel" }, noRight("supervisor")));
  else page.append(h("div", { class: "grid" }, mind(), understanding(), voice()));
  return { title: "Test" };
}

/** The model answers. */
function mind() {
  const out = h("div", { class: "answer", role: "status" });
  return tried("Mind", "A sentence to the model", "When are you open on Saturday?", "Ask", out, async (text, agent) => {
    const told = await post("/api/test-llm", { text, ...(agent && { agent }) });
    fill(
      out,
      h("blockquote", {}, told.text),
      pairs([
        ["Engine", [told.engine, told.model].filter(Boolean).join(", ")],
        ["First word after", millis(told.times.first_ms)],
        ["All of it after", millis(told.times.total_ms)],
        ...(told.tools?.length
          ? [
              /** @type {[string, string]} */ ([
                "Would use",
                told.tools.map((/** @type {any} */ tool) => tool.name).join(", "),
              ]),
            ]
          : []),
      ]),
    );
  });
}

/** What is meant, and how the caller feels. */
function understanding() {
  const out = h("div", { class: "answer", role: "status" });
  return tried(
    "Understanding",
    "What a caller says",
    "I have told you three times now that it does not work!",
    "Understand",
    out,
    async (text, agent) => {
      const told = await post("/api/test-nlu", { text, ...(agent && { agent }) });
      const slots = Object.entries(told.slots ?? {});
      fill(
        out,
        pairs([
          ["Feels", pill(told.emotion || "unknown")],
          ["Wants", told.intent ? `${told.intent}, ${percent(told.confidence)} sure` : "nothing that this agent knows"],
          ...slots.map(([name, value]) => /** @type {[string, string]} */ ([name, String(value)])),
          ["Took", millis(told.times.total_ms)],
        ]),
      );
    },
  );
}

/** The voice says it. */
function voice() {
  const out = h("div", { class: "answer", role: "status" });
  return tried(
    "Voice",
    "A sentence to be said",
    "Your order is ready, you can pick it up from ten.",
    "Speak",
    out,
    async (text) => {
      const { sound, headers } = await postForSound("/api/test-tts", { text });
      const player = /** @type {HTMLAudioElement} */ (
        h("audio", { controls: true, src: URL.createObjectURL(sound), "aria-label": "What the voice said" })
      );
      fill(
        out,
        player,
        pairs([
          ["Engine", headers.get("Parley-Engine")],
          ["First sound after", millis(Number(headers.get("Parley-First-Ms")))],
          ["All of it after", millis(Number(headers.get("Parley-Total-Ms")))],
        ]),
      );
      player.play().catch(() => {});
    },
    false,
  );
}

/**
 * @param {string} title
 * @param {string} label
 * @param {string} example
 * @param {string} send
 * @param {HTMLElement} out
 * @param {(text: string, agent: string) => Promise<void>} act
 * @param {boolean} [whose] it makes a difference for which agent
 */
function tried(title, label, example, send, out, act, whose = true) {
  const made = form({
    body: [
      field(label, h("textarea", { name: "text", rows: 2, required: true, maxlength: 500 }, example)),
      whose && field("Agent", input("agent", { placeholder: "The one that answers by default" })),
    ],
    send,
    act: (data) => act(String(data.get("text")).trim(), String(data.get("agent") ?? "").trim()),
  });
  return panel(title, inside(made, out));
}
