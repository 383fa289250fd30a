/**
 * In the audio thread: plays what arrives, in order, after a small jitter buffer.
 *
 * In:  {type: "sound", data: ArrayBuffer (s16le, 16 kHz)}, {type: "mark", tag}, {type: "clear"}, {type: "close"}.
 * Out: {type: "mark", tag, bare, cleared}: everything before it has been played (`bare`: there was nothing since the
 *      last clear; `cleared`: it was thrown away); {type: "level", level, underruns, overruns} while it sounds.
 */

import { Resampler } from "./resampler.js";

const WIRE_RATE = 16000;
const START_S = 0.06;
const LIMIT_S = 5;
const GAP_S = 0.3;
const LEVEL_S = 0.05;
const FADE = 0.9;

class SpeakerWorklet extends AudioWorkletProcessor {
  constructor() {
    super();
    this._resampler = sampleRate === WIRE_RATE ? null : new Resampler(WIRE_RATE, sampleRate);
    /** @type {Array<{samples: Float32Array, at: number} | {tag: unknown}>} */
    this._queue = [];
    this._buffered = 0;
    this._playing = false;
    this._waited = 0;
    this._bare = true;
    this._last = 0;
    this._dryAt = -Infinity;
    this._underruns = 0;
    this._overruns = 0;
    this._peak = 0;
    this._loud = false;
    this._levelAt = 0;
    this._open = true;
    this.port.onmessage = ({ data }) => this._take(data);
  }

  /** @param {{type: string, data?: ArrayBuffer, tag?: unknown}} message */
  _take(message) {
    if (message.type === "sound") this._sound(/** @type {ArrayBuffer} */ (message.data));
    else if (message.type === "mark") {
      this._queue.push({ tag: message.tag });
      this._release();
    } else if (message.type === "clear") this._clear();
    else this._open = false;
  }

  /** @param {ArrayBuffer} data */
  _sound(data) {
    const wire = Float32Array.from(new Int16Array(data), (sample) => sample / 32768);
    const samples = this._resampler ? this._resampler.process(wire) : wire;
    if (this._buffered + samples.length > LIMIT_S * sampleRate) {
      this._overruns += 1;
      return;
    }
    if (!this._playing && this._buffered === 0 && currentTime - this._dryAt < GAP_S) this._underruns += 1;
    this._queue.push({ samples, at: 0 });
    this._buffered += samples.length;
    this._bare = false;
  }

  _clear() {
    for (const item of this._queue) {
      if ("tag" in item) this.port.postMessage({ type: "mark", tag: item.tag, bare: false, cleared: true });
    }
    this._queue = [];
    this._buffered = 0;
    this._playing = false;
    this._waited = 0;
    this._bare = true;
    this._dryAt = -Infinity;
    this._resampler?.reset();
  }

  /** Marks with no sound left before them are due. */
  _release() {
    while (this._queue.length > 0 && "tag" in this._queue[0]) {
      const { tag } = /** @type {{tag: unknown}} */ (this._queue.shift());
      this.port.postMessage({ type: "mark", tag, bare: this._bare, cleared: false });
    }
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, outputs) {
    const output = outputs[0][0];
    const played = this._ready(output.length) ? this._play(output) : 0;
    for (let i = played; i < output.length; i += 1) {
      // The end of a sound, cut or not, falls to zero within two milliseconds: no click.
      this._last *= FADE;
      output[i] = this._last;
    }
    if (Math.abs(this._last) < 1e-6) this._last = 0;
    this._tellLevel(played > 0);
    return this._open;
  }

  /** @param {number} length */
  _ready(length) {
    if (this._playing || this._buffered === 0) return this._playing;
    this._waited += length;
    // Less than the buffer's start is played too, once it has waited as long: it may be all there is.
    this._playing = Math.max(this._buffered, this._waited) >= START_S * sampleRate;
    return this._playing;
  }

  /**
   * @param {Float32Array} output
   * @returns {number} samples filled
   */
  _play(output) {
    let filled = 0;
    while (filled < output.length && this._queue.length > 0) {
      const item = /** @type {{samples: Float32Array, at: number}} */ (this._queue[0]);
      const count = Math.min(output.length - filled, item.samples.length - item.at);
      output.set(item.samples.subarray(item.at, item.at + count), filled);
      item.at += count;
      filled += count;
      if (item.at === item.samples.length) {
        this._queue.shift();
        this._release();
      }
    }
    this._buffered -= filled;
    for (let i = 0; i < filled; i += 1) this._peak = Math.max(this._peak, Math.abs(output[i]));
    if (filled > 0) this._last = output[filled - 1];
    if (this._buffered === 0) {
      this._playing = false;
      this._waited = 0;
      this._dryAt = currentTime;
    }
    return filled;
  }

  /** @param {boolean} sounding */
  _tellLevel(sounding) {
    const due = sounding ? currentTime - this._levelAt >= LEVEL_S : this._loud;
    if (!due) return;
    this.port.postMessage({
      type: "level",
      level: sounding ? this._peak : 0,
      underruns: this._underruns,
      overruns: this._overruns,
    });
    this._peak = 0;
    this._loud = sounding;
    this._levelAt = currentTime;
  }
}

registerProcessor("speaker", SpeakerWorklet);
