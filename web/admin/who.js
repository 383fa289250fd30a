/** Who is logged in, and what they may. */

import { get, guard, Problem } from "./kit/api.js";

const RANKS = ["viewer", "supervisor", "admin"];

/**
 * @typedef {object} Who
 * @property {string} name
 * @property {string} role
 * @property {string} kind `person`: a local account; `oidc`, `link`
 * @property {boolean} totp a second factor is set up
 * @property {string} number where a call is taken over to; empty: none is known
 */

/**
 * @param {Who} who
 * @param {string} role
 */
export function may(who, role) {
  return RANKS.indexOf(who.role) >= RANKS.indexOf(role);
}

/** @returns {Promise<Who | null>} null: nobody; raises Problem */
export async function whoIsHere() {
  try {
    const told = await get("/api/session/me");
    guard(told.csrf ?? "");
    return { name: told.name, role: told.role, kind: told.kind, totp: told.totp, number: told.number };
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}
