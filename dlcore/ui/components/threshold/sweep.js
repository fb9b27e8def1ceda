// @ts-check
// Counts at every threshold: cost, F1, areas under curves, stable range, threshold rules. No DOM here.

import { countAbove, cutoff, nextBelow } from "./counts.js";

/**
 * Counts for every distinct set of alarms; entry k holds for [thresholds[k], thresholds[k + 1]).
 * @param {ReturnType<typeof import("./counts.js").buildTable>} table
 */
export function buildSweep(table) {
  const { all, inside, outside, froms, tos, tops } = table;
  const levels = [];
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) levels.push(all[i]);
  const thresholds = Float64Array.from([all.length ? nextBelow(all[0]) : 0, ...levels]);
  const size = thresholds.length;
  const sweep = {
    thresholds,
    tp: new Int32Array(size),
    fp: new Int32Array(size),
    caught: new Int32Array(size),
    bursts: new Int32Array(size),
  };
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let e = 0;
  for (let k = 0; k < size; k++) {
    const cut = thresholds[k];
    while (a < inside.length && inside[a] <= cut) a++;
    while (b < outside.length && outside[b] <= cut) b++;
    while (c < froms.length && froms[c] <= cut) c++;
    while (e < tos.length && tos[e] <= cut) e++;
    while (d < tops.length && tops[d] <= cut) d++;
    sweep.tp[k] = inside.length - a;
    sweep.fp[k] = outside.length - b;
    sweep.caught[k] = table.flood > cut ? 0 : tops.length - d;
    sweep.bursts[k] = tos.length - e - (froms.length - c);
  }
  return sweep;
}

// Missed events x ratio + bursts of false alarms; without a time axis false negatives x ratio + false positives.
export function computeCosts(table, sweep, ratio) {
  return table.gap
    ? Float64Array.from(sweep.thresholds, (_, k) => (table.events.length - sweep.caught[k]) * ratio + sweep.bursts[k])
    : Float64Array.from(sweep.thresholds, (_, k) => (table.positives - sweep.tp[k]) * ratio + sweep.fp[k]);
}

// The first useful threshold: the one with the most bursts. Below it alarms only merge into fewer, longer bursts, which
// would look cheap. Without a time axis there is no bound.
export function usefulStart(table, sweep) {
  if (!table.gap) return 0;
  let max = 0;
  let from = 0;
  for (let k = 0; k < sweep.bursts.length; k++)
    if (sweep.bursts[k] >= max && sweep.bursts[k] > 0) {
      max = sweep.bursts[k];
      from = k;
    }
  return from;
}

// The useful threshold with the lowest cost.
export function findCheapest(table, sweep, costs) {
  const from = usefulStart(table, sweep);
  return findLowest({ thresholds: sweep.thresholds.subarray(from) }, costs.subarray(from), table.inclusive);
}

export function computeF1(table, sweep) {
  return Float64Array.from(
    sweep.thresholds,
    (_, k) => (2 * sweep.tp[k]) / Math.max(1, sweep.tp[k] + sweep.fp[k] + table.positives),
  );
}

export const indexAt = (sweep, table, threshold) =>
  Math.max(0, sweep.thresholds.length - countAbove(sweep.thresholds, cutoff(table, threshold)) - 1);

// The threshold with the lowest value: the middle of the widest of all equally good ranges (by ratio if all scores are
// positive). `low` and `high` are its ends.
export function findLowest(sweep, values, inclusive = false) {
  const { thresholds } = sweep;
  const size = thresholds.length;
  const end = (k) => (k < size ? thresholds[k] : aboveTop(thresholds));
  const width =
    thresholds[1] > 0 ? (low, high) => Math.log(high / Math.max(low, thresholds[1] / 2)) : (low, high) => high - low;
  let best = Infinity;
  let widest = null;
  for (let k = 0; k < size; k++) if (values[k] < best) best = values[k];
  for (let k = 0; k < size; k++) {
    if (values[k] !== best) continue;
    const first = k;
    while (k + 1 < size && values[k + 1] === best) k++;
    const span = width(thresholds[first], end(k + 1));
    if (!widest || span > widest.wide) widest = { wide: span, low: thresholds[first], high: end(k + 1) };
  }
  return {
    value: best,
    low: widest.low,
    high: widest.high,
    threshold: roundedBetween(widest.low, widest.high, inclusive),
  };
}

const aboveTop = (thresholds) => {
  const top = thresholds[thresholds.length - 1];
  return top > 0 ? top * 1.05 : top + 1;
};

// A number with few digits in [low, high), or in (low, high] if inclusive.
function roundedBetween(low, high, inclusive = false) {
  const middle = low > 0 ? Math.sqrt(low) * Math.sqrt(high) : low + (high - low) / 2;
  for (let digits = 2; digits < 17; digits++) {
    const short = Number(middle.toPrecision(digits));
    if (short > low && short < high) return short;
  }
  return inclusive ? high : low;
}

// The range of thresholds with the same events and bursts; without a time axis with the same TP and FP.
export function findStableRange(table, sweep, threshold) {
  const compared = table.gap ? [sweep.caught, sweep.bursts] : [sweep.tp, sweep.fp];
  const size = sweep.thresholds.length;
  const current = indexAt(sweep, table, threshold);
  const equal = (k) => compared.every((counts) => counts[k] === counts[current]);
  let low = current;
  let high = current;
  while (low > 0 && equal(low - 1)) low--;
  while (high + 1 < size && equal(high + 1)) high++;
  return {
    low: low ? sweep.thresholds[low] : -Infinity,
    high: high + 1 < size ? sweep.thresholds[high + 1] : Infinity,
  };
}

// Average precision (no interpolation) and ROC AUC (trapezoidal rule), as in scikit-learn.
export function computeAreas(table, sweep) {
  let precision = 0;
  let roc = 0;
  for (let k = sweep.thresholds.length - 2; k >= 0; k--) {
    const gain = sweep.tp[k] - sweep.tp[k + 1];
    precision += gain * (sweep.tp[k] / Math.max(1, sweep.tp[k] + sweep.fp[k]));
    roc += (sweep.fp[k] - sweep.fp[k + 1]) * (sweep.tp[k] + sweep.tp[k + 1]) * 0.5;
  }
  return { precision: precision / table.positives, roc: roc / (table.positives * table.negatives) };
}

// Threshold rules, computed from sorted training or validation scores.
export function computeRules(sorted, { k, quantile }) {
  const count = sorted.length;
  const mean = sorted.reduce((sum, score) => sum + score, 0) / count;
  const std = Math.sqrt(sorted.reduce((sum, score) => sum + (score - mean) ** 2, 0) / count);
  const position = quantile * (count - 1);
  const index = Math.floor(position);
  const next = Math.min(count - 1, index + 1);
  return {
    maximum: sorted[count - 1],
    meanStd: mean + k * std,
    quantile: sorted[index] + (position - index) * (sorted[next] - sorted[index]),
  };
}
