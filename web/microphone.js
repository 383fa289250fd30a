/** The caller's microphone: 20 ms frames of s16le mono 16 kHz, without a pause from open to close. */

import { SoundTrouble } from "./sound.js";

const REMEDIES = {
  NotAllowedError:
    "The microphone is blocked. Allow it with the icon left of the address bar, then call again. You can also type below.",
  NotFoundError: "No microphone was found. Plug one in and call again, or type below.",
  NotReadableError: "The microphone is in use by another program. Close it there and call again, or type below.",
};

export class Microphone {
  /**
   * @param {MediaStream} stream
   * @param {MediaStreamAudioSourceNode} source
   * @param {AudioWorkletNode} worklet
   */
  constructor(stream, source, worklet) {
    this._stream = stream;
    this._source = source;
    this._worklet = worklet;
    this.muted = false;
    /** @type {(frame: ArrayBuffer, level: number) => void} level 0..1 */
    this.onframe = () => {};
    /** The device went away. */
    this.onlost = () => {};
    worklet.port.onmessage = ({ data }) => this.onframe(data.frame, data.level);
    for (const track of stream.getAudioTracks()) track.onended = () => this.onlost();
  }

  /**
   * Asks the caller for the microphone.
   *
   * @param {{raw: boolean}} options
   * @returns {Promise<MediaStream>} raises SoundTrouble
   */
  static async ask({ raw }) {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new SoundTrouble(
        "Browsers give the microphone to secure pages only. Open this page by https, or at localhost, or type below.",
      );
    }
    const wanted = { echoCancellation: !raw, noiseSuppression: !raw, autoGainControl: !raw, channelCount: 1 };
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (error) {
      throw new SoundTrouble(REMEDIES[error.name] ?? `The microphone cannot be opened (${error.name}). You can type below.`);
    }
  }

  /**
   * @param {import("./sound.js").Sound} sound
   * @param {MediaStream} stream
   * @returns {Microphone} raises NotSupportedError where stream and context must have one rate
   */
  static connect(sound, stream) {
    const source = sound.context.createMediaStreamSource(stream);
    const worklet = new AudioWorkletNode(sound.context, "microphone", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    source.connect(worklet);
    return new Microphone(stream, source, worklet);
  }

  /** @param {boolean} muted silence is sent instead, and the device is told to rest */
  mute(muted) {
    this.muted = muted;
    this._worklet.port.postMessage({ type: "mute", muted });
    for (const track of this._stream.getAudioTracks()) track.enabled = !muted;
  }

  close() {
    this._worklet.port.onmessage = null;
    this._worklet.port.postMessage({ type: "close" });
    this._source.disconnect();
    for (const track of this._stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
  }
}
