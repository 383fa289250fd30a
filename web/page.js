/** The softphone: puts the parts together. */

import { fetchAgent, GatewayTrouble } from "./agent.js";
import { Call } from "./call.js";
import { Cards, rows } from "./cards.js";
import { Composer } from "./composer.js";
import { Headset } from "./headset.js";
import { nameOf, show as showAgent } from "./identity.js";
import { Meter } from "./meter.js";
import { deaf, Notice } from "./notice.js";
import { Quality } from "./quality.js";
import { SoundTrouble } from "./sound.js";
import { Status } from "./status.js";
import { Subtitles } from "./subtitles.js";
import { Timeline } from "./timeline.js";
import { WalkieTalkie } from "./walkie_talkie.js";
import { Waterfall } from "./waterfall.js";

/** Where nobody speaks: a text chat. */
const CHAT = "/demo";
const WIRE_RATE = 16000;
const QUALITY_MS = 1000;

class Softphone {
  /**
   * @param {URLSearchParams} query `agent`; for tests `raw=1` (the microphone as it is) and `rate` (the device's, in Hz)
   * @param {boolean} typing nobody speaks here: a text chat
   */
  constructor(query, typing) {
    this._agentName = query.get("agent") ?? "";
    this._options = { raw: query.get("raw") === "1", rate: Number(query.get("rate")) || WIRE_RATE };
    this._phone = find("phone");
    this._typing = typing;
    if (typing) this._phone.dataset.only = "chat";
    if (typing) find("hint").textContent = "Type, or tap an example";
    this._dial = /** @type {HTMLButtonElement} */ (find("dial"));
    this._mute = /** @type {HTMLButtonElement} */ (find("mute"));
    this._meter = new Meter(find("meter"), this._phone);
    this._status = new Status(this._phone, find("status"), find("clock"));
    this._notice = new Notice(find("notice"));
    this._quality = new Quality(find("quality"));
    this._subtitles = new Subtitles(find("log"));
    this._subtitles.onchange = () => (this._phone.dataset.talk = this._subtitles.empty ? "none" : "some");
    this._cards = new Cards(find("cards"), find("cards-news"), (text) => this._type(text));
    this._cards.onchange = () => (this._phone.dataset.cards = this._cards.empty ? "none" : "some");
    this._waterfall = new Waterfall(/** @type {HTMLTableElement} */ (find("waterfall")));
    this._waterfall.onchange = () => (this._phone.dataset.answers = this._waterfall.empty ? "none" : "some");
    this._timeline = new Timeline(find("timeline"), {
      caller: find("lane-caller"),
      agent: find("lane-agent"),
      axis: find("axis"),
      latest: find("latest"),
      told: find("told"),
    });
    this._walkieTalkie = new WalkieTalkie(
      /** @type {HTMLButtonElement} */ (find("walkie")),
      /** @type {HTMLButtonElement} */ (find("hold")),
      { changed: (on) => this._byButton(on), pressed: (pressed) => this._pressed(pressed) },
    );
    const form = /** @type {HTMLFormElement} */ (find("composer"));
    this._composer = new Composer(form, find("examples"), (text) => this._type(text));
    /** @type {import("./agent.js").Agent | null} */
    this._agent = null;
    /** @type {Call | null} */
    this._call = null;
    /** @type {Headset | null} */
    this._headset = null;
    this._dial.addEventListener("click", () => (this._call ? this._call.hangUp() : this._begin("voice")));
    this._mute.addEventListener("click", () => this._toggleMute());
    document.addEventListener("keydown", (event) => this._key(event));
    window.addEventListener("pagehide", () => this._call?.hangUp());
    setInterval(() => this._call && this._quality.show(this._call.quality), QUALITY_MS);
  }

  /** Asks who answers here. */
  async load() {
    this._status.idle(this._typing);
    await this._meet();
  }

  /** @returns {Promise<boolean>} whether there is an agent to talk to */
  async _meet() {
    if (this._agent) return true;
    try {
      this._meets(await fetchAgent(this._agentName));
    } catch (error) {
      this._notice.show(told(error));
      return false;
    }
    return true;
  }

  /** @param {import("./agent.js").Agent} agent as its files are now */
  _meets(agent) {
    this._agent = agent;
    showAgent(agent, document);
    if (agent.push_to_talk) this._walkieTalkie.always();
    this._composer.show(agent.wrapper.examples);
    this._cards.begin(agent.wrapper.cards);
    if (agent.problem) this._broken(agent.problem);
  }

  /** @param {string} problem with the last edit of the agent's files */
  _broken(problem) {
    this._notice.show(`An edit is not taken, the last good version answers. ${problem}`);
  }

  /**
   * @param {"voice" | "chat"} door
   * @returns {Promise<void>}
   */
  async _begin(door) {
    this._notice.hide();
    const call = new Call(door, {
      phase: (phase, reason, failed) => this._phase(call, phase, reason, failed),
      message: (message, leg) => this._message(message, leg),
      micLevel: (level) => this._meter.show(level),
      voiceLevel: (level) => this._phone.style.setProperty("--voice", level.toFixed(3)),
    });
    this._call = call;
    this._buttons();
    try {
      if (!(await this._meet()) || !this._agent) throw new GatewayTrouble("");
      const name = nameOf(this._agent);
      this._status.begin(name, door === "voice");
      this._subtitles.begin(name, door === "voice", this._agent.wrapper.subtitles === "blurred_until_heard");
      this._waterfall.begin();
      this._timeline.begin();
      if (door === "voice" && !(await this._putOnHeadset(call))) return;
      this._status.phase("ringing", "");
      this._meets(await call.dial(this._agent.agent));
    } catch (error) {
      if (this._call === call) this._failed(error);
    }
  }

  /**
   * @param {Call} call
   * @returns {Promise<boolean>} false when the caller hung up meanwhile
   */
  async _putOnHeadset(call) {
    this._status.asking();
    const headset = await Headset.open(this._options);
    if (this._call !== call) {
      await headset.close();
      return false;
    }
    this._headset = headset;
    headset.microphone.onlost = () =>
      this._notice.show("The microphone is gone. Plug it in and call again, or type below.");
    call.attach(headset);
    call.pushToTalk(this._walkieTalkie.on);
    this._buttons();
    return true;
  }

  /** @param {unknown} error */
  _failed(error) {
    this._hungUp();
    this._status.phase("ended", "No call");
    const words = told(error);
    if (words) this._notice.show(words);
  }

  /**
   * @param {Call} call
   * @param {import("./call.js").Phase} phase
   * @param {string} reason
   * @param {boolean} failed
   */
  _phase(call, phase, reason, failed) {
    if (this._call !== call) return;
    this._status.phase(phase, failed ? "Call failed" : reason);
    if (phase !== "ended") return;
    this._quality.show(call.quality);
    this._hungUp();
    if (failed) this._notice.show(reason);
  }

  _hungUp() {
    this._call = null;
    this._headset?.close();
    this._headset = null;
    this._subtitles.close();
    this._cards.end();
    this._timeline.end();
    this._meter.rest();
    this._phone.style.setProperty("--voice", "0");
    this._buttons();
  }

  /**
   * @param {Record<string, any>} message
   * @param {number} leg
   */
  _message(message, leg) {
    const key = `${leg}.${message.utterance}`;
    if (message.type === "ready") this._timeline.sync(message.now_ms);
    else if (message.type === "moment") this._timeline.moment(message);
    else if (message.type === "deaf") this._notice.show(deaf(message.language));
    else if (message.type === "turn") this._turn(message);
    else if (message.type === "state") this._status.state(message.state);
    else if (message.type === "subtitle" && message.side === "caller") this._subtitles.caller(message.text, message.final);
    else if (message.type === "subtitle" && message.final) {
      this._subtitles.over(key, message.text ?? "", message.heard, message.cut);
    } else if (message.type === "subtitle") this._subtitles.heard(key, message.text, message.heard);
    else if (message.type === "say") this._subtitles.wrote(key, message.text);
    else if (message.type === "show") this._show(message);
    else if (message.type === "transfer") this._subtitles.card("Please call", [["Number", message.to], ["About", message.reason]]);
    else if (message.type === "problem") this._broken(message.message);
    else if (message.type === "error") console.warn(`The gateway did not understand: ${message.message}`);
  }

  /** @param {Record<string, any>} message */
  _show({ name, json, again }) {
    if (!this._cards.show(name, json, again)) this._subtitles.card(name, rows(json));
  }

  /** @param {string} text */
  _type(text) {
    if (!this._call) this._begin("chat");
    this._subtitles.typed(text);
    this._call?.type(text);
  }

  /** @param {Record<string, any>} turn */
  _turn(turn) {
    this._waterfall.turn(turn);
    if (turn.by === "voice") this._timeline.spokenUntil(turn.at_ms);
  }

  /** @param {boolean} on */
  _byButton(on) {
    this._headset?.microphone.mute(false);
    this._call?.pushToTalk(on);
    this._status.byButton(on, false);
    this._buttons();
  }

  /** @param {boolean} pressed */
  _pressed(pressed) {
    this._call?.press(pressed);
    this._status.byButton(this._walkieTalkie.on, pressed);
    find("hold-label").textContent = pressed ? "You are on the air" : "Hold to talk";
  }

  _toggleMute() {
    const microphone = this._headset?.microphone;
    if (!microphone || this._walkieTalkie.on) return;
    microphone.mute(!microphone.muted);
    this._buttons();
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const typing = event.target instanceof Element && event.target.matches("input, select");
    if (event.key.toLowerCase() === "m" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) this._toggleMute();
  }

  _buttons() {
    const muted = this._headset?.microphone.muted ?? false;
    this._dial.setAttribute("aria-label", this._call ? "Hang up" : "Call");
    this._mute.disabled = !this._headset || this._walkieTalkie.on;
    this._phone.dataset.walkie = String(this._walkieTalkie.on);
    this._mute.setAttribute("aria-pressed", String(muted));
    find("mute-label").textContent = muted ? "Unmute" : "Mute";
    this._phone.dataset.muted = String(muted);
    this._phone.dataset.door = this._call?.door ?? "none";
    this._walkieTalkie.enable(this._headset !== null);
  }
}

/** @param {unknown} error */
function told(error) {
  if (error instanceof GatewayTrouble || error instanceof SoundTrouble) return error.message;
  console.error(error);
  return "Something in this page broke. Reload it and call again.";
}

/** @param {string} id */
function find(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

new Softphone(new URLSearchParams(window.location.search), window.location.pathname === CHAT).load();
