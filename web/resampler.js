/**
 * Changes the rate of a stream of samples: a windowed sinc, cut off below the lower of the two rates.
 * Runs in the audio thread, where a browser does not give us the rate of the wire.
 */

const CROSSINGS = 16;
const STEPS = 256;

export class Resampler {
  /**
   * @param {number} from Hz of what comes in
   * @param {number} to Hz of what goes out
   */
  constructor(from, to) {
    this._step = from / to;
    const cutoff = 0.94 * Math.min(1, to / from);
    this._half = Math.ceil(CROSSINGS / cutoff);
    this._kernel = kernel(cutoff, this._half);
    this.reset();
  }

  /** Forget what came before. */
  reset() {
    this._held = new Float32Array(this._half);
    this._at = this._half;
  }

  /**
   * @param {Float32Array} input the next samples, any number
   * @returns {Float32Array} what can be said by now; about a millisecond stays behind
   */
  process(input) {
    const joined = new Float32Array(this._held.length + input.length);
    joined.set(this._held);
    joined.set(input, this._held.length);
    const last = joined.length - this._half - 1;
    const count = this._at > last ? 0 : Math.floor((last - this._at) / this._step) + 1;
    const output = new Float32Array(count);
    for (let i = 0; i < count; i += 1) {
      output[i] = this._sample(joined, this._at + i * this._step);
    }
    this._at += count * this._step;
    const keep = Math.max(0, Math.floor(this._at) - this._half);
    this._held = joined.slice(keep);
    this._at -= keep;
    return output;
  }

  /**
   * @param {Float32Array} samples
   * @param {number} at place between samples
   */
  _sample(samples, at) {
    const from = Math.ceil(at - this._half);
    const until = Math.floor(at + this._half);
    let sum = 0;
    for (let i = from; i <= until; i += 1) {
      sum += samples[i] * this._kernel[Math.round(Math.abs(at - i) * STEPS)];
    }
    return sum;
  }
}

/**
 * One side of the symmetric filter, in steps of 1/256 sample.
 *
 * @param {number} cutoff share of the incoming band that passes
 * @param {number} half its length in incoming samples
 */
function kernel(cutoff, half) {
  const table = new Float32Array(half * STEPS + 1);
  for (let i = 0; i < table.length; i += 1) {
    const x = i / STEPS;
    const phase = Math.PI * cutoff * x;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / half);
    table[i] = (i === 0 ? cutoff : (cutoff * Math.sin(phase)) / phase) * window;
  }
  return table;
}
