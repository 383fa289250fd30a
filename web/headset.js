/** Microphone and speaker of one call. */

import { Microphone } from "./microphone.js";
import { Sound } from "./sound.js";
import { Speaker } from "./speaker.js";

export class Headset {
  /**
   * @param {Sound} sound
   * @param {Microphone} microphone
   */
  constructor(sound, microphone) {
    this._sound = sound;
    this.microphone = microphone;
    this.speaker = new Speaker(sound);
  }

  /**
   * Asks the caller for the microphone and opens the device.
   *
   * @param {{raw: boolean, rate: number}} options
   * @returns {Promise<Headset>} raises SoundTrouble
   */
  static async open(options) {
    const stream = await Microphone.ask(options);
    try {
      return await connect(stream, options);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
  }

  async close() {
    this.microphone.close();
    this.speaker.close();
    await this._sound.close();
  }
}

/**
 * @param {MediaStream} stream
 * @param {{raw: boolean, rate: number}} options
 */
async function connect(stream, options) {
  let sound = await Sound.open(options);
  try {
    return new Headset(sound, Microphone.connect(sound, stream));
  } catch {
    // Some browsers join a microphone only to a context of the microphone's own rate.
    await sound.close();
    sound = await Sound.open({ ...options, rate: 0 });
    return new Headset(sound, Microphone.connect(sound, stream));
  }
}
