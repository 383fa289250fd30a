/** What the gateway says of the agent that answers, and the token for a call to it. */

/**
 * @typedef {object} Agent
 * @property {string} agent
 * @property {string} company
 * @property {string} language
 * @property {boolean} push_to_talk this agent is spoken to by button only
 * @property {Record<"stt" | "llm" | "tts", string[]>} [engines] first = preferred
 * @property {Partial<Record<"stt" | "llm" | "tts", string[]>>} [here] the preferred engine runs without a vendor; which
 *           variables would change that
 * @property {string} [problem] what is wrong with the last edit of its files; on the same machine only
 * @property {string} [console] address of the operators' console; on the same machine only
 * @property {{name: string, tagline: string, color: string, language: string, sample_call: string, examples: string[],
 *             note: string, subtitles: "plain" | "blurred_until_heard", cards: Array<Record<string, any>>}} wrapper docs/pages.md
 *
 * @typedef {Agent & {token: string, call_id: string}} Session
 */

/** The gateway said no, or nothing. */
export class GatewayTrouble extends Error {}

/**
 * @param {string} name empty: the one that answers by default
 * @returns {Promise<Agent>} raises GatewayTrouble
 */
export function fetchAgent(name) {
  return ask("/api/agent", { name });
}

/**
 * @param {string} agent
 * @param {"voice" | "chat"} door
 * @returns {Promise<Session>} raises GatewayTrouble
 */
export function fetchSession(agent, door) {
  return ask("/api/session", { agent, door });
}

/**
 * @param {string} path
 * @param {Record<string, string>} query
 */
async function ask(path, query) {
  const url = new URL(path, window.location.href);
  for (const [key, value] of Object.entries(query)) if (value) url.searchParams.set(key, value);
  let response;
  try {
    response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(8000) });
  } catch {
    throw new GatewayTrouble("The gateway cannot be reached. Is it running? Check it, then try again.");
  }
  const body = await response.json().catch(() => ({}));
  if (body.closed) throw new GatewayTrouble(String(body.error));
  if (!response.ok) throw new GatewayTrouble(`The gateway refused: ${body.error ?? `status ${response.status}`}.`);
  return body;
}
