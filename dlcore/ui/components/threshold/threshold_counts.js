
// Counting at a threshold. No document in here: the tests run this very text in a blank page, against scikit-learn.
// A point raises an alarm when its score is above the threshold, both taken as 64-bit floats; with `inclusive` (as
// classifiers are counted) when it reaches it. Scores come in the type in which the run stored them, never rounded.

// How many numbers of a rising array lie above the cut.
function countAbove(sorted, cut) {
  let low = 0, high = sorted.length;
  while (low < high) { const middle = (low + high) >>> 1; if (sorted[middle] > cut) high = middle; else low = middle + 1; }
  return sorted.length - low;
}

// The largest float below a number: a score reaches t exactly when it is above nextBelow(t).
function nextBelow(number) {
  if (number === 0) return -Number.MIN_VALUE;
  if (!Number.isFinite(number)) return number;
  const bits = new BigInt64Array(new Float64Array([number]).buffer);
  bits[0] += number > 0 ? -1n : 1n;
  return new Float64Array(bits.buffer)[0];
}

// Runs of true in [start, stop) as [first, end) pairs.
function rangesOf(mask, start, stop) {
  const found = [];
  for (let i = start; i < stop; i++) {
    if (!mask[i]) continue;
    const first = i;
    while (i < stop && mask[i]) i++;
    found.push([first, i]);
  }
  return found;
}

// Where the running maximum of a stretch rises: the first alarm at any threshold is then one binary search away.
function recordsOf(scores, start, stop) {
  const places = [], heights = [];
  let top = -Infinity;
  for (let i = start; i < stop; i++) if (scores[i] > top) { top = scores[i]; places.push(i); heights.push(top); }
  return { start, stop, places, heights, top };
}

function firstAbove(records, cut) {
  const above = countAbove(records.heights, cut);
  return above ? records.places[records.places.length - above] : -1;
}

// An alarm that began in a window and goes on after it is still that window's for `gap` points: for each point the
// threshold below which that holds, which is the lowest score since the window's last point.
function lastingOf(scores, windows, start, stop, gap) {
  const lasting = new Float64Array(stop - start).fill(-Infinity);
  for (const [, end] of windows) {
    let low = scores[end - 1];
    for (let i = end; i < Math.min(stop, end + gap); i++) lasting[i - start] = low = Math.min(low, scores[i]);
  }
  return lasting;
}

// Everything that counting needs, once for each set of labels. `labels` may be null; start and stop bound what counts.
// A point outside all windows begins a burst of false alarms when it alarms and none of the `gap` points before it
// does: at thresholds in [from, to). Bursts = ends above the threshold - beginnings above it; both are kept sorted.
function tableOf(scores, labels, { start, stop, gap = 0, inclusive = false, plausible = [] }) {
  const windows = labels ? rangesOf(labels, start, stop) : [], lasting = lastingOf(scores, windows, start, stop, gap);
  const count = stop - start, inside = [], outside = [], froms = [], tos = [];
  const queue = new Int32Array(count); // places of falling scores: its first is the highest of the last `gap` points
  let head = 0, tail = 0, near = -Infinity;
  for (let i = start; i < stop; i++) {
    if (lasting[i - start] > -Infinity) near = i;
    if (labels?.[i]) { inside.push(scores[i]); continue; }
    outside.push(scores[i]);
    while (head < tail && queue[head] < i - gap) head++;
    const before = gap && head < tail ? scores[queue[head]] : -Infinity;
    if (gap && i - near <= gap) for (const [from, to] of beginnings(scores, labels, lasting, { i, start, gap })) { froms.push(from); tos.push(to); }
    else if (before < scores[i]) { froms.push(before); tos.push(scores[i]); }
    while (head < tail && scores[queue[tail - 1]] <= scores[i]) tail--;
    queue[tail++] = i;
  }
  const sort = (list) => Float64Array.from(list).sort(), events = windows.map(([first, end]) => recordsOf(scores, first, end));
  return {
    scores, labels, lasting, start, stop, gap, inclusive, events, plausible, positives: inside.length, negatives: outside.length,
    all: sort(scores.subarray(start, stop)), inside: sort(inside), outside: sort(outside), froms: sort(froms), tos: sort(tos),
    tops: sort(events.map((event) => event.top)),
  };
}

// Shortly after a window points alarm on their own between two thresholds only: what is left of a point's own stretch
// of thresholds without those of the `gap` points before it.
function beginnings(scores, labels, lasting, { i, start, gap }) {
  const others = [], found = [];
  for (let j = Math.max(start, i - gap); j < i; j++) if (!labels[j] && lasting[j - start] < scores[j]) others.push([lasting[j - start], scores[j]]);
  let from = lasting[i - start];
  for (const [low, high] of others.sort((a, b) => a[0] - b[0])) {
    if (from >= scores[i]) return found;
    if (low > from) found.push([from, Math.min(low, scores[i])]);
    from = Math.max(from, high);
  }
  if (from < scores[i]) found.push([from, scores[i]]);
  return found;
}

const cutOf = (table, threshold) => (table.inclusive ? nextBelow(threshold) : threshold);

// The counts at a threshold; a ratio without its denominator is 0, as in scikit-learn with zero_division=0.
function countsAt(table, threshold) {
  const cut = cutOf(table, threshold);
  const tp = countAbove(table.inside, cut), fp = countAbove(table.outside, cut);
  const fn = table.positives - tp, tn = table.negatives - fp;
  return {
    tp, fp, fn, tn, precision: tp + fp ? tp / (tp + fp) : 0, recall: table.positives ? tp / table.positives : 0,
    f1: 2 * tp + fp + fn ? (2 * tp) / (2 * tp + fp + fn) : 0, accuracy: (tp + tn) / Math.max(1, tp + fp + fn + tn),
  };
}

// Windows with an alarm, points from a window's start to its first alarm (mean), bursts outside all windows.
function eventsAt(table, threshold) {
  const cut = cutOf(table, threshold), firsts = table.events.map((event) => firstAbove(event, cut));
  const delays = firsts.flatMap((first, i) => (first < 0 ? [] : [first - table.events[i].start]));
  return {
    hit: firsts.map((first) => first >= 0), caught: delays.length, total: table.events.length,
    delay: delays.length ? delays.reduce((sum, one) => sum + one, 0) / delays.length : NaN,
    bursts: countAbove(table.tos, cut) - countAbove(table.froms, cut), plausible: plausibleAt(table, cut),
  };
}

// Bursts of false alarms that reach into a window of the other kind: known, but not labelled.
function plausibleAt(table, cut) {
  if (!table.plausible.length) return 0;
  const reaches = (burst) => table.plausible.some(([first, end]) => burst.start < end && burst.stop > first);
  return burstsOf(table.scores, cut, { start: table.start, stop: table.stop, gap: table.gap, table }).filter(reaches).length;
}

// All alarms in [start, stop) as bursts with their highest point, in order of time; given a table, those of
// false alarms alone.
function burstsOf(scores, cut, { start, stop, gap, table = null }) {
  const found = [];
  let last = -Infinity, burst = null;
  for (let i = start; i < stop; i++) {
    if (!(scores[i] > cut) || (table && (table.labels?.[i] || table.lasting[i - start] > cut))) continue;
    if (!burst || i - last > gap) found.push((burst = { start: i, stop: i + 1, peak: i, points: 0 }));
    burst.stop = i + 1;
    burst.points++;
    if (scores[i] > scores[burst.peak]) burst.peak = i;
    last = i;
  }
  return found;
}

// Every distinct set of alarms, thresholds rising: entry k holds from thresholds[k] up to, not including, the next.
function sweepOf(table) {
  const { all, inside, outside, froms, tos, tops } = table, levels = [];
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) levels.push(all[i]);
  const thresholds = Float64Array.from([all.length ? nextBelow(all[0]) : 0, ...levels]), size = thresholds.length;
  const sweep = { thresholds, tp: new Int32Array(size), fp: new Int32Array(size), caught: new Int32Array(size), bursts: new Int32Array(size) };
  let a = 0, b = 0, c = 0, d = 0, e = 0;
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
function costsOf(table, sweep, ratio) {
  return table.gap
    ? Float64Array.from(sweep.thresholds, (_, k) => (table.events.length - sweep.caught[k]) * ratio + sweep.bursts[k])
    : Float64Array.from(sweep.thresholds, (_, k) => (table.positives - sweep.tp[k]) * ratio + sweep.fp[k]);
}

// Where thresholds begin to be of use: above the one with the most bursts. Below it alarms only grow together into
// fewer, longer bursts, which would look cheap. Samples without a time count one by one: no bound.
function usefulFrom(table, sweep) {
  if (!table.gap) return 0;
  let most = 0, from = 0;
  for (let k = 0; k < sweep.bursts.length; k++) if (sweep.bursts[k] >= most && sweep.bursts[k] > 0) { most = sweep.bursts[k]; from = k; }
  return from;
}

// The threshold with the lowest cost, or other number to keep low, among those of use.
function cheapestOf(table, sweep, costs) {
  const from = usefulFrom(table, sweep);
  return lowestOf({ thresholds: sweep.thresholds.subarray(from) }, costs.subarray(from), table.inclusive);
}

function f1Of(table, sweep) {
  return Float64Array.from(sweep.thresholds, (_, k) => (2 * sweep.tp[k]) / Math.max(1, sweep.tp[k] + sweep.fp[k] + table.positives));
}

const placeOf = (sweep, table, threshold) =>
  Math.max(0, sweep.thresholds.length - countAbove(sweep.thresholds, cutOf(table, threshold)) - 1);

// The threshold with the lowest value: of all equally good stretches the middle of the widest (by ratio if all scores
// are above 0). `low` and `high` are its ends.
function lowestOf(sweep, values, inclusive = false) {
  const { thresholds } = sweep, size = thresholds.length, end = (k) => (k < size ? thresholds[k] : beyond(thresholds));
  const width = thresholds[1] > 0 ? (low, high) => Math.log(high / Math.max(low, thresholds[1] / 2)) : (low, high) => high - low;
  let best = Infinity, found = null;
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
function steadyAt(table, sweep, threshold) {
  const same = table.gap ? [sweep.caught, sweep.bursts] : [sweep.tp, sweep.fp], size = sweep.thresholds.length;
  const here = placeOf(sweep, table, threshold), equal = (k) => same.every((counts) => counts[k] === counts[here]);
  let low = here, high = here;
  while (low > 0 && equal(low - 1)) low--;
  while (high + 1 < size && equal(high + 1)) high++;
  return { low: low ? sweep.thresholds[low] : -Infinity, high: high + 1 < size ? sweep.thresholds[high + 1] : Infinity };
}

// Areas as scikit-learn has them: average precision (no interpolation), and ROC by trapezia.
function areasOf(table, sweep) {
  let precision = 0, roc = 0;
  for (let k = sweep.thresholds.length - 2; k >= 0; k--) {
    const gained = sweep.tp[k] - sweep.tp[k + 1];
    precision += gained * (sweep.tp[k] / Math.max(1, sweep.tp[k] + sweep.fp[k]));
    roc += (sweep.fp[k] - sweep.fp[k + 1]) * (sweep.tp[k] + sweep.tp[k + 1]) * 0.5;
  }
  return { precision: precision / table.positives, roc: roc / (table.positives * table.negatives) };
}

// Thresholds that rules make from scores of training or validation, and from nothing else. `sorted` rises.
function rulesOf(sorted, { k, quantile }) {
  const count = sorted.length;
  const mean = sorted.reduce((sum, one) => sum + one, 0) / count;
  const spread = Math.sqrt(sorted.reduce((sum, one) => sum + (one - mean) ** 2, 0) / count);
  const place = quantile * (count - 1), below = Math.floor(place), next = Math.min(count - 1, below + 1);
  return {
    maximum: sorted[count - 1], meanStd: mean + k * spread,
    quantile: sorted[below] + (place - below) * (sorted[next] - sorted[below]),
  };
}
