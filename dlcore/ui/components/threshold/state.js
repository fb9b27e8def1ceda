// The state of the component: data, labels, counts, reference thresholds.

import { decode } from "../shared/arrays.js";
import { readTheme } from "../shared/theme.js";
import { clamp, createScale, DAY } from "./axes.js";
import { findLayers, withAlpha } from "./canvas.js";
import { buildTable, countAbove } from "./counts.js";
import {
  buildSweep,
  computeAreas,
  computeCosts,
  computeF1,
  computeRules,
  findCheapest,
  indexAt,
  usefulStart,
} from "./sweep.js";

export const TIME_VIEWS = ["series", "score"],
  SCORE_VIEWS = ["histogram", "cost", "pr", "roc"];

// `dress` updates what depends on the labels, `paint` all that moves with the threshold.
export function createState(root, data, { report, dress, paint }) {
  const scores = decode(data.scores);
  const size = scores.length;
  const times = data.times ? decode(data.times) : null;
  const s = {
    root,
    data,
    report,
    dress,
    paint,
    scores,
    size,
    hasTime: data.step_ms > 0,
    values: data.values ? decode(data.values) : null,
    trueLabels: data.labels ? decode(data.labels) : null,
    manualLabels: data.manual_labels.map(([start, end]) => ({ start, end })),
    timeOf: (place) => (times ? times[clamp(Math.round(place), 0, size - 1)] : data.begin_ms + place * data.step_ms),
    placeAt: (ms) => (times ? size - countAbove(times, ms - 0.5) : (ms - data.begin_ms) / data.step_ms),
    scope: data.scopes[data.scope],
    t: data.start,
    ratio: data.ratio,
    k: data.k,
    quantile: data.quantile,
    zoom: [0, size],
    mode: "zoom",
    brush: null,
    hover: null,
    selectedAlarm: data.alarm,
    views: {},
    bursts: [],
    stale: {},
  };
  s.ruleScores = data.rules
    ? Float64Array.from(data.rules.ranges.flatMap(([start, stop]) => [...scores.subarray(start, stop)])).sort()
    : null;
  s.axis = scoreAxis(s);
  s.valueRange = s.values ? valueRange(s.values) : null;
  for (const name of [...TIME_VIEWS, ...SCORE_VIEWS])
    s.views[name] = { name, ...findLayers(root.querySelector(`.dlt-${name}`)) };
  return s;
}

function valueRange(numbers) {
  let low = Infinity;
  let high = -Infinity;
  for (const item of numbers) {
    if (item < low) low = item;
    if (item > high) high = item;
  }
  const margin = (high - low || 1) * 0.04;
  return { low: low >= 0 && low < 0.3 * high ? 0 : low - margin, high: high + margin };
}

// The score axis: logarithmic if scores are positive and span decades, 0 to 1 for probabilities.
function scoreAxis(s) {
  if (s.data.axis) return { log: false, low: s.data.axis[0], high: s.data.axis[1] };
  const sorted = Float64Array.from(s.scores).filter(Number.isFinite).sort();
  const top = Math.max(sorted[sorted.length - 1], s.data.run_threshold ?? -Infinity);
  const above = sorted.filter((score) => score > 0);
  const at = (share) => above[Math.floor(share * (above.length - 1))];
  const positive = above.length > 0.9 * sorted.length; // a causal score is 0 before the first full window
  if (positive && sorted[0] >= 0 && top / at(0.05) > 30) return { log: true, low: at(0.01), high: top * 1.3 };
  const low = Math.min(sorted[0], s.data.run_threshold ?? Infinity);
  const margin = (top - low || 1) * 0.05;
  return { log: false, low: low >= 0 && low < 0.3 * top ? 0 : low - margin, high: top + margin };
}

// Merges dataset labels and manual labels, then updates the counts.
export function updateLabels(s) {
  const mask = new Uint8Array(s.size);
  const kinds = new Uint8Array(s.size);
  const toWindows = (list, kind) =>
    list
      .map((item, i) => ({
        ...item,
        kind,
        number: i,
        start: clamp(Math.ceil(s.placeAt(item.start)), 0, s.size),
        stop: clamp(Math.floor(s.placeAt(item.end)) + 1, 0, s.size),
      }))
      .filter((item) => item.stop > item.start);
  const plausible = s.hasTime ? toWindows(s.data.plausible, "plausible") : [];
  const manual = s.hasTime
    ? toWindows(
        s.manualLabels.map((item, i) => ({ ...item, name: `label ${i + 1}` })),
        "manual",
      )
    : [];
  s.windows = [...(s.hasTime ? toWindows(s.data.windows, "labeled") : []), ...plausible, ...manual].sort(
    (a, b) => a.start - b.start,
  );
  for (const item of plausible) kinds.fill(2, item.start, item.stop);
  if (s.trueLabels) mask.set(s.trueLabels);
  for (const item of manual) mask.fill(1, item.start, item.stop);
  for (let i = 0; i < s.size; i++) if (mask[i]) kinds[i] = 1;
  s.pointKinds = kinds;
  s.mask = mask;
  updateCounts(s);
}

export function updateCounts(s) {
  s.kinds = Uint8Array.from(s.pointKinds).fill(3, 0, s.scope.start).fill(3, s.scope.stop);
  const labeled = s.trueLabels !== null || s.manualLabels.length > 0;
  s.table = buildTable(s.scores, labeled ? s.mask : null, {
    start: s.scope.start,
    stop: s.scope.stop,
    gap: s.hasTime ? s.data.gap : 0,
    inclusive: s.data.inclusive,
    plausible: s.windows.filter((item) => item.kind === "plausible").map((item) => [item.start, item.stop]),
  });
  s.isLabeled = s.table.positives > 0 && s.table.negatives > 0;
  s.sweep = buildSweep(s.table);
  s.areas = s.isLabeled ? computeAreas(s.table, s.sweep) : null;
  s.usefulStart = usefulStart(s.table, s.sweep);
  s.days = ((s.scope.stop - s.scope.start) * s.data.step_ms) / DAY;
  updateReferences(s);
  s.columns = null;
  s.dress(s);
  invalidate(s, [...TIME_VIEWS, ...SCORE_VIEWS]);
}

export function updateReferences(s) {
  const { data } = s;
  const result = [];
  const add = (id, name, value, usesLabels = false) => {
    if (Number.isFinite(value)) result.push({ id, name, value, usesLabels });
  };
  add("own", "this run", data.run_threshold);
  if (s.ruleScores?.length) {
    const rules = computeRules(s.ruleScores, { k: s.k, quantile: s.quantile });
    add("maximum", `maximum of ${data.rules.name}`, rules.maximum);
    add("quantile", `quantile ${s.quantile}`, rules.quantile);
    add("meanStd", `mean + ${s.k} standard deviations`, rules.meanStd);
  }
  for (const [i, item] of data.references.entries()) add(`mark${i}`, item.name, item.value);
  if (s.isLabeled) {
    s.costs = computeCosts(s.table, s.sweep, s.ratio);
    const cheapest = findCheapest(s.table, s.sweep, s.costs);
    const best = findCheapest(
      s.table,
      s.sweep,
      computeF1(s.table, s.sweep).map((f1) => -f1),
    );
    add("cheapest", "lowest cost", cheapest.threshold, true);
    add("f1", "best F1", best.threshold, true);
  }
  s.references = result;
}

export function invalidate(s, names) {
  for (const name of names) s.stale[name] = true;
  schedule(s);
}

export function schedule(s) {
  s.frame ??= requestAnimationFrame(() => {
    s.frame = undefined;
    if (s.root.isConnected && s.root.dlcore === s) s.paint(s);
  });
}

export function visibleViews(s) {
  return [
    ...(s.hasTime ? (s.values ? TIME_VIEWS : ["score"]) : []),
    "histogram",
    ...(s.isLabeled ? ["cost", "pr", "roc"] : []),
  ];
}

export function setThreshold(s, threshold) {
  if (!Number.isFinite(threshold) || threshold === s.t) return;
  s.t = threshold;
  schedule(s);
}

// Reports the threshold to Python, at the end of a drag, key press or click.
export function release(s) {
  if (s.t === s.reported) return;
  s.reported = s.t;
  s.report("threshold", s.t);
}

export function thresholdAfterSteps(s, steps) {
  const { axis } = s;
  const scale = createScale(axis.log, axis.low, axis.high, 0, 400);
  return roundToStep(scale.back(scale.at(clamp(s.t, axis.low, axis.high)) + steps), scale);
}

// The next threshold at which the number of caught events or false alarms changes.
export function nextChange(s, up) {
  const { low, high } = s.stableRange;
  const { thresholds } = s.sweep;
  if (up) return Number.isFinite(high) ? high : s.t;
  return Number.isFinite(low) ? thresholds[Math.max(0, indexAt(s.sweep, { inclusive: false }, low) - 1)] : s.t;
}

// Rounds to the fewest digits that distinguish two neighboring steps.
export function roundToStep(threshold, scale) {
  const at = scale.at(threshold);
  for (let digits = 2; digits < 9; digits++) {
    const result = Number(threshold.toPrecision(digits));
    if (Math.abs(scale.at(result) - at) < 0.2) return result;
  }
  return threshold;
}

export function readColors(root) {
  const result = readTheme(root);
  const style = getComputedStyle(root);
  const primary = style.getPropertyValue("--st-primary-color").trim() || "#0B66A8";
  return {
    ...result,
    primary,
    dim: withAlpha(result.text, 0.75),
    trace: withAlpha(result.text, 0.36),
    line: withAlpha(result.text, 0.1),
  };
}

// Kinds of points in `s.kinds`: 0 outside all windows, 1 in a labeled window, 2 in a plausible window, 3 not evaluated.
export function kindName(s, kind) {
  return [s.isLabeled ? "false" : "unlabeled", "correct", "plausible", "excluded"][kind];
}
