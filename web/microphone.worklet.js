/** In the audio thread: the microphone as frames of the wire, 20 ms each, also when it is silent or muted. */

import { Resampler } from "./resampler.js";

const WIRE_RATE = 16000;
const FRAME = 320;
const QUANTUM = 128;
const SILENCE = new Float32Array(QUANTUM);

class MicrophoneWorklet extends AudioWorkletProcessor {
  constructor() {
    super();
    this._resampler = sampleRate === WIRE_RATE ? null : new Resampler(sampleRate, WIRE_RATE);
    this._frame = new Int16Array(FRAME);
    this._filled = 0;
    this._energy = 0;
    this._muted = false;
    this._open = true;
    this.port.onmessage = ({ data }) => {
      if (data.type === "mute") this._muted = data.muted;
      if (data.type === "close") this._open = false;
    };
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    // Without a channel the device has nothing to say: that is silence, and time goes on.
    const heard = inputs[0][0] ?? SILENCE;
    const samples = this._resampler ? this._resampler.process(heard) : heard;
    for (let i = 0; i < samples.length; i += 1) {
      const sample = this._muted ? 0 : Math.max(-1, Math.min(1, samples[i]));
      this._frame[this._filled] = Math.round(sample * 32767);
      this._energy += sample * sample;
      this._filled += 1;
      if (this._filled === FRAME) this._send();
    }
    return this._open;
  }

  _send() {
    const level = Math.sqrt(this._energy / FRAME);
    const frame = this._frame.buffer;
    this.port.postMessage({ frame, level }, [frame]);
    this._frame = new Int16Array(FRAME);
    this._filled = 0;
    this._energy = 0;
  }
}

registerProcessor("microphone", MicrophoneWorklet);
