/** The bot's voice: plays s16le mono 16 kHz as it comes, and says when a mark has really been heard. */

export class Speaker {
  /** @param {import("./sound.js").Sound} sound */
  constructor(sound) {
    this._sound = sound;
    this._worklet = new AudioWorkletNode(sound.context, "speaker", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this._worklet.connect(sound.context.destination);
    this._worklet.port.onmessage = ({ data }) => this._take(data);
    this.underruns = 0;
    this.overruns = 0;
    /** @type {(tag: unknown) => void} all sound before the mark was heard, or cleared */
    this.onmark = () => {};
    /** @type {(level: number) => void} 0..1, while it sounds */
    this.onlevel = () => {};
  }

  /** @param {ArrayBuffer} data */
  play(data) {
    this._worklet.port.postMessage({ type: "sound", data }, [data]);
  }

  /** @param {unknown} tag comes back by `onmark` */
  mark(tag) {
    this._worklet.port.postMessage({ type: "mark", tag });
  }

  /** Silence, at once. */
  clear() {
    this._worklet.port.postMessage({ type: "clear" });
  }

  close() {
    this.onmark = this.onlevel = () => {};
    this._worklet.port.onmessage = null;
    this._worklet.port.postMessage({ type: "close" });
    this._worklet.disconnect();
  }

  /** @param {{type: string, tag: unknown, bare: boolean, cleared: boolean, level: number, underruns: number, overruns: number}} told */
  _take(told) {
    if (told.type === "level") {
      this.underruns = told.underruns;
      this.overruns = told.overruns;
      this.onlevel(told.level);
    } else if (told.bare || told.cleared) {
      this.onmark(told.tag);
    } else {
      // The worklet is done with the sound before the ear has it.
      setTimeout(() => this.onmark(told.tag), this._sound.latency * 1000);
    }
  }
}
