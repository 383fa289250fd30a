/** Who answers: name, tagline, colour, notes, examples. From the agent's wrapper, which is text and nothing else. */

const PARTS = { stt: "ears", llm: "mind", tts: "voice" };

/**
 * @param {import("./agent.js").Agent} agent
 * @returns {string}
 */
export function nameOf(agent) {
  return agent.wrapper.name || agent.company || agent.agent;
}

/**
 * Puts the agent on the page.
 *
 * @param {import("./agent.js").Agent} agent
 * @param {Document} page
 */
export function show(agent, page) {
  const { wrapper } = agent;
  const name = nameOf(agent);
  page.title = `${name} · Parley`;
  fill(page, "name", name);
  fill(page, "tagline", wrapper.tagline);
  fill(page, "monogram", initials(name));
  fill(page, "agent-seat", name);
  fill(page, "note", wrapper.note);
  fill(page, "honest", honest(agent));
  if (agent.console) {
    /** @type {HTMLAnchorElement} */ (page.getElementById("console-link")).href = agent.console;
    /** @type {HTMLElement} */ (page.getElementById("operators")).hidden = false;
  }
  if (wrapper.color) page.documentElement.style.setProperty("--brand", wrapper.color);
  for (const part of page.querySelectorAll("[data-speech]")) part.setAttribute("lang", wrapper.language || agent.language);
}

/**
 * What a newcomer should know of engines that run without a vendor.
 *
 * @param {import("./agent.js").Agent} agent
 */
function honest(agent) {
  const here = agent.here ?? {};
  const local = Object.keys(PARTS).filter((part) => part in here);
  if (local.length === 0) return "";
  const parts = local.map((part) => PARTS[part]).join(", ").replace(/, ([^,]*)$/, " and $1");
  const keys = [...new Set(local.flatMap((part) => here[part].slice(0, 1)))].join(", ");
  return (
    `Its ${parts} run on this machine, without any vendor: English, and this agent's subject. ` +
    `For anything else, other languages and many calls at once, set keys: ${keys}.`
  );
}

/** @param {string} name */
function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}

/**
 * @param {Document} page
 * @param {string} id
 * @param {string} text
 */
function fill(page, id, text) {
  const place = /** @type {HTMLElement} */ (page.getElementById(id));
  place.textContent = text;
  place.hidden = !text;
}
