// Counts at every threshold, and what follows: cost, F1, areas under curves, stable range, threshold rules. No DOM here.

import { countAbove, cutOf, nextBelow } from "./counts.js";

// Every distinct set of alarms, thresholds rising: entry k holds from thresholds[k] up to, not including, the next.
export function sweepOf(table) {
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
    sweep.caught[k] = tops.length - d;
    sweep.bursts[k] = tos.length - e - (froms.length - c);
  }
  return sweep;
}

// Missed events x ratio + bursts of false alarms; for samples without a time missed samples x ratio + false ones.
export function costsOf(table, sweep, ratio) {
  return table.gap
    ? Float64Array.from(sweep.thresholds, (_, k) => (table.events.length - sweep.caught[k]) * ratio + sweep.bursts[k])
    : Float64Array.from(sweep.thresholds, (_, k) => (table.positives - sweep.tp[k]) * ratio + sweep.fp[k]);
}

// Where thresholds begin to be of use: above the one with the most bursts. Below it alarms only grow together into
// fewer, longer bursts, which would look cheap. Samples without a time count one by one: no bound.
export function usefulFrom(table, sweep) {
  if (!table.gap) return 0;
  let most = 0;
  let from = 0;
  for (let k = 0; k < sweep.bursts.length; k++)
    if (sweep.bursts[k] >= most && sweep.bursts[k] > 0) {
      most = sweep.bursts[k];
      from = k;
    }
  return from;
}

// The threshold with the lowest cost, or other number to keep low, among those of use.
export function cheapestOf(table, sweep, costs) {
  const from = usefulFrom(table, sweep);
  return lowestOf({ thresholds: sweep.thresholds.subarray(from) }, costs.subarray(from), table.inclusive);
}

export function f1Of(table, sweep) {
  return Float64Array.from(
    sweep.thresholds,
    (_, k) => (2 * sweep.tp[k]) / Math.max(1, sweep.tp[k] + sweep.fp[k] + table.positives),
  );
}

export const placeOf = (sweep, table, threshold) =>
  Math.max(0, sweep.thresholds.length - countAbove(sweep.thresholds, cutOf(table, threshold)) - 1);

// The threshold with the lowest value: of all equally good stretches the middle of the widest (by ratio if all scores
// are above 0). `low` and `high` are its ends.
export function lowestOf(sweep, values, inclusive = false) {
  const { thresholds } = sweep;
  const size = thresholds.length;
  const end = (k) => (k < size ? thresholds[k] : beyond(thresholds));
  const width =
    thresholds[1] > 0 ? (low, high) => Math.log(high / Math.max(low, thresholds[1] / 2)) : (low, high) => high - low;
  let best = Infinity;
  let found = null;
  for (let k = 0; k < size; k++) if (values[k] < best) best = values[k];
  for (let k = 0; k < size; k++) {
    if (values[k] !== best) continue;
    const first = k;
    while (k + 1 < size && values[k + 1] === best) k++;
    const wide = width(thresholds[first], end(k + 1));
    if (!found || wide > found.wide) found = { wide, low: thresholds[first], high: end(k + 1) };
  }
  return { value: best, low: found.low, high: found.high, threshold: between(found.low, found.high, inclusive) };
}

const beyond = (thresholds) => {
  const top = thresholds[thresholds.length - 1];
  return top > 0 ? top * 1.05 : top + 1;
};

// A short number in [low, high), or in (low, high] where a score need only reach the threshold.
function between(low, high, inclusive = false) {
  const middle = low > 0 ? Math.sqrt(low) * Math.sqrt(high) : low + (high - low) / 2;
  for (let digits = 2; digits < 17; digits++) {
    const short = Number(middle.toPrecision(digits));
    if (short > low && short < high) return short;
  }
  return inclusive ? high : low;
}

// The thresholds between which neither the events caught nor the bursts (for samples: no count at all) change.
export function steadyAt(table, sweep, threshold) {
  const same = table.gap ? [sweep.caught, sweep.bursts] : [sweep.tp, sweep.fp];
  const size = sweep.thresholds.length;
  const here = placeOf(sweep, table, threshold);
  const equal = (k) => same.every((counts) => counts[k] === counts[here]);
  let low = here;
  let high = here;
  while (low > 0 && equal(low - 1)) low--;
  while (high + 1 < size && equal(high + 1)) high++;
  return {
    low: low ? sweep.thresholds[low] : -Infinity,
    high: high + 1 < size ? sweep.thresholds[high + 1] : Infinity,
  };
}

// Areas as scikit-learn has them: average precision (no interpolation), and ROC by trapezia.
export function areasOf(table, sweep) {
  let precision = 0;
  let roc = 0;
  for (let k = sweep.thresholds.length - 2; k >= 0; k--) {
    const gained = sweep.tp[k] - sweep.tp[k + 1];
    precision += gained * (sweep.tp[k] / Math.max(1, sweep.tp[k] + sweep.fp[k]));
    roc += (sweep.fp[k] - sweep.fp[k + 1]) * (sweep.tp[k] + sweep.tp[k + 1]) * 0.5;
  }
  return { precision: precision / table.positives, roc: roc / (table.positives * table.negatives) };
}

// Thresholds that rules make from scores of training or validation, and from nothing else. `sorted` rises.
export function rulesOf(sorted, { k, quantile }) {
  const count = sorted.length;
  const mean = sorted.reduce((sum, one) => sum + one, 0) / count;
  const spread = Math.sqrt(sorted.reduce((sum, one) => sum + (one - mean) ** 2, 0) / count);
  const place = quantile * (count - 1);
  const below = Math.floor(place);
  const next = Math.min(count - 1, below + 1);
  return {
    maximum: sorted[count - 1],
    meanStd: mean + k * spread,
    quantile: sorted[below] + (place - below) * (sorted[next] - sorted[below]),
  };
}
