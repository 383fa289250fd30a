/** From figures to places on a chart: round steps, so that the rules stand at numbers that one reads. */

const STEPS = [1, 2, 2.5, 5, 10];

/**
 * @param {number} highest
 * @param {number} count of rules, about
 * @returns {{top: number, steps: number[]}} the figures at which rules stand, from 0 on
 */
export function rules(highest, count = 4) {
  if (!(highest > 0)) return { top: 1, steps: [0, 1] };
  const rough = highest / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (STEPS.find((each) => each * power >= rough) ?? 10);
  const steps = [];
  for (let at = 0; at < highest + step - step / 1e6; at += step) steps.push(Number(at.toPrecision(12)));
  return { top: steps[steps.length - 1], steps };
}

/**
 * @param {number} number of labels
 * @param {number} room for so many
 * @returns {number} every how manieth is written
 */
export function every(number, room) {
  return Math.max(1, Math.ceil(number / room));
}
