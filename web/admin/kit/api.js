/** What the service is asked, and what it answers when it cannot. */

const PATIENCE_MS = 40_000;

/** A question that was not answered as it was meant; `status` 0 where nobody answered at all. */
export class Problem extends Error {
  /** @param {{status: number, title: string, detail?: string, field?: string, remedy?: string}} told */
  constructor({ status, title, detail = "", field = "", remedy = "" }) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.field = field;
    this.remedy = remedy;
  }
}

/** Told when an answer says that nobody is logged in. */
export const gate = { closed: () => {} };

let token = "";

/** @param {string} value what each change must carry, so that no other site can make it */
export function guard(value) {
  token = value;
}

/**
 * @param {string} path
 * @param {Record<string, any>} [query] empty values are left out
 * @returns {Promise<any>} raises Problem
 */
export function get(path, query = {}) {
  return ask("GET", address(path, query));
}

/**
 * A change. Should it be sent twice on its way, it counts once.
 *
 * @param {"POST" | "PUT" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>} raises Problem
 */
export function change(method, path, body) {
  return ask(method, path, body, { "Idempotency-Key": crypto.randomUUID() });
}

/**
 * @param {string} path
 * @param {unknown} [body]
 */
export function post(path, body = {}) {
  return change("POST", path, body);
}

/**
 * Something that is answered with sound.
 *
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<{sound: Blob, headers: Headers}>} raises Problem
 */
export async function postForSound(path, body) {
  const response = await sent("POST", path, body, {
    "Idempotency-Key": crypto.randomUUID(),
    Accept: "audio/wav, application/problem+json",
  });
  return { sound: await response.blob(), headers: response.headers };
}

/**
 * @param {string} path
 * @param {Record<string, any>} query
 */
export function address(path, query) {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== "" && value !== null && value !== undefined && value !== false) parts.set(name, String(value));
  }
  const text = parts.toString();
  return text ? `${path}?${text}` : path;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 */
async function ask(method, path, body, headers = {}) {
  const response = await sent(method, path, body, headers);
  return response.json().catch(() => null);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @param {Record<string, string>} headers
 * @returns {Promise<Response>} raises Problem
 */
async function sent(method, path, body, headers) {
  if (token && method !== "GET") headers["X-CSRF-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { Accept: "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Problem({
      status: 0,
      title: "The service does not answer",
      detail: "This page could not reach Parley's backoffice.",
      remedy: "Check that it runs and that you are connected, then try again. Calls go on without it.",
    });
  }
  if (response.ok) return response;
  if (response.status === 401) gate.closed();
  throw problem(response, await response.json().catch(() => null));
}

/**
 * @param {Response} response
 * @param {any} told
 */
function problem(response, told) {
  const status = response.status;
  if (status === 429) {
    const after = response.headers.get("Retry-After");
    return new Problem({
      status,
      title: "Too many requests",
      detail: told?.detail ?? "",
      remedy: told?.remedy ?? `Wait ${after ?? "some"} seconds, then try again.`,
    });
  }
  const title = told?.title ?? (status === 404 ? "Not found" : `The service refused (${status})`);
  return new Problem({
    status,
    title,
    detail: typeof told?.detail === "string" ? told.detail : "",
    field: told?.field ?? "",
    remedy: told?.remedy ?? "",
  });
}
