/** The audio device: one AudioContext for microphone and speaker. */

/** Something about sound that the caller can mend; `message` says how. */
export class SoundTrouble extends Error {}

export class Sound {
  /**
   * @param {AudioContext} context
   * @param {boolean} raw without echo cancellation, noise suppression and gain control
   */
  constructor(context, raw) {
    this.context = context;
    this.raw = raw;
    // A telephone call or another tab may take the device for a while.
    context.onstatechange = () => {
      if (context.state !== "running" && context.state !== "closed") context.resume().catch(() => {});
    };
  }

  /**
   * Opens the device. Call it from a click.
   *
   * @param {{raw: boolean, rate: number}} options `rate` in Hz; 0: the device's own
   * @returns {Promise<Sound>} raises SoundTrouble
   */
  static async open({ raw, rate }) {
    if (typeof AudioWorkletNode === "undefined") {
      throw new SoundTrouble(
        window.isSecureContext
          ? "This browser cannot handle live sound. Use a current Chrome, Edge, Firefox or Safari, or type below."
          : "Browsers give sound to secure pages only. Open this page by https, or at localhost, or type below.",
      );
    }
    const context = openContext(rate);
    const modules = ["microphone.worklet.js", "speaker.worklet.js"];
    try {
      await Promise.all(modules.map((name) => context.audioWorklet.addModule(new URL(name, import.meta.url))));
      await context.resume();
    } catch (error) {
      context.close().catch(() => {});
      throw error;
    }
    return new Sound(context, raw);
  }

  /** Seconds between a sample's turn in the worklet and the ear. */
  get latency() {
    const latency = this.context.outputLatency || this.context.baseLatency || 0;
    return Math.min(Math.max(latency, 0), 0.5);
  }

  async close() {
    this.context.onstatechange = null;
    if (this.context.state !== "closed") await this.context.close();
  }
}

/** @param {number} rate */
function openContext(rate) {
  if (rate) {
    try {
      return new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
    } catch {
      // Not at this rate: the worklets then change it.
    }
  }
  return new AudioContext({ latencyHint: "interactive" });
}
