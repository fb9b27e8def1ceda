// @ts-check
// Counts at a threshold. No DOM here: the tests run this module against scikit-learn.
// A point raises an alarm if its score is above the threshold, compared as 64-bit floats; if `inclusive` (classifiers)
// also if it is equal. Scores keep the type in which the run stored them.

/**
 * Number of values above the cut.
 * @param {ArrayLike<number>} sorted increasing
 * @param {number} cut
 */
export function countAbove(sorted, cut) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] > cut) high = middle;
    else low = middle + 1;
  }
  return sorted.length - low;
}

// The largest float below a number: score >= t exactly if score > nextBelow(t).
export function nextBelow(number) {
  if (number === 0) return -Number.MIN_VALUE;
  if (!Number.isFinite(number)) return number;
  const bits = new BigInt64Array(new Float64Array([number]).buffer);
  bits[0] += number > 0 ? -1n : 1n;
  return new Float64Array(bits.buffer)[0];
}

// The threshold below which most unlabeled points are alarms: none of the events counts as detected there, as in
// evaluation/anomaly.py.
function findFlood(outside, gap) {
  return gap && outside.length ? outside[outside.length - Math.floor(outside.length / 2) - 1] : -Infinity;
}

// Runs of true in [start, stop) as [first, end) pairs.
function findRanges(mask, start, stop) {
  const result = [];
  for (let i = start; i < stop; i++) {
    if (!mask[i]) continue;
    const first = i;
    while (i < stop && mask[i]) i++;
    result.push([first, i]);
  }
  return result;
}

// Records of the running maximum: the first alarm at any threshold is one binary search away.
function findRecords(scores, start, stop) {
  const places = [];
  const heights = [];
  let top = -Infinity;
  for (let i = start; i < stop; i++)
    if (scores[i] > top) {
      top = scores[i];
      places.push(i);
      heights.push(top);
    }
  return { start, stop, places, heights, top };
}

function firstAbove(records, cut) {
  const above = countAbove(records.heights, cut);
  return above ? records.places[records.places.length - above] : -1;
}

// An alarm that continues after its window belongs to the window for `gap` points: for each point the threshold below
// which that holds, the lowest score since the last point of the window.
function carryOverLevels(scores, windows, start, stop, gap) {
  const carryOver = new Float64Array(stop - start).fill(-Infinity);
  for (const [, end] of windows) {
    let low = scores[end - 1];
    for (let i = end; i < Math.min(stop, end + gap); i++) carryOver[i - start] = low = Math.min(low, scores[i]);
  }
  return carryOver;
}

/**
 * Precomputes what counting needs, once per set of labels.
 *
 * A point outside all windows starts a burst of false alarms if it alarms and none of the `gap` points before it does:
 * at thresholds in [from, to). Bursts = ends above the threshold - starts above it; both are sorted.
 *
 * @param {Float32Array | Float64Array} scores
 * @param {Uint8Array | null} labels
 * @param {{start: number, stop: number, gap?: number, inclusive?: boolean, plausible?: number[][]}} options
 */
export function buildTable(scores, labels, { start, stop, gap = 0, inclusive = false, plausible = [] }) {
  const windows = labels ? findRanges(labels, start, stop) : [];
  const carryOver = carryOverLevels(scores, windows, start, stop, gap);
  const count = stop - start;
  const inside = [];
  const outside = [];
  const froms = [];
  const tos = [];
  const queue = new Int32Array(count); // places of falling scores: its first is the highest of the last `gap` points
  let head = 0;
  let tail = 0;
  let lastCarryOver = -Infinity;
  for (let i = start; i < stop; i++) {
    if (carryOver[i - start] > -Infinity) lastCarryOver = i;
    if (labels?.[i]) {
      inside.push(scores[i]);
      continue;
    }
    outside.push(scores[i]);
    while (head < tail && queue[head] < i - gap) head++;
    const highestRecent = gap && head < tail ? scores[queue[head]] : -Infinity;
    if (gap && i - lastCarryOver <= gap)
      for (const [from, to] of burstIntervals(scores, labels, carryOver, { i, start, gap })) {
        froms.push(from);
        tos.push(to);
      }
    else if (highestRecent < scores[i]) {
      froms.push(highestRecent);
      tos.push(scores[i]);
    }
    while (head < tail && scores[queue[tail - 1]] <= scores[i]) tail--;
    queue[tail++] = i;
  }
  const sort = (list) => Float64Array.from(list).sort();
  const events = windows.map(([first, end]) => findRecords(scores, first, end));
  const sortedOutside = sort(outside);
  return {
    scores,
    labels,
    lasting: carryOver,
    start,
    stop,
    gap,
    inclusive,
    events,
    plausible,
    positives: inside.length,
    negatives: outside.length,
    all: sort(scores.subarray(start, stop)),
    inside: sort(inside),
    outside: sortedOutside,
    flood: findFlood(sortedOutside, gap),
    froms: sort(froms),
    tos: sort(tos),
    tops: sort(events.map((event) => event.top)),
  };
}

// Thresholds at which a point shortly after a window starts a burst: its interval without those of the `gap` points
// before it.
function burstIntervals(scores, labels, carryOver, { i, start, gap }) {
  const earlier = [];
  const result = [];
  for (let j = Math.max(start, i - gap); j < i; j++)
    if (!labels[j] && carryOver[j - start] < scores[j]) earlier.push([carryOver[j - start], scores[j]]);
  let from = carryOver[i - start];
  for (const [low, high] of earlier.sort((a, b) => a[0] - b[0])) {
    if (from >= scores[i]) return result;
    if (low > from) result.push([from, Math.min(low, scores[i])]);
    from = Math.max(from, high);
  }
  if (from < scores[i]) result.push([from, scores[i]]);
  return result;
}

export const cutoff = (table, threshold) => (table.inclusive ? nextBelow(threshold) : threshold);

/**
 * Counts and ratios at a threshold; as in scikit-learn with zero_division=0.
 * @param {ReturnType<typeof buildTable>} table
 * @param {number} threshold
 */
export function countAt(table, threshold) {
  const cut = cutoff(table, threshold);
  const tp = countAbove(table.inside, cut);
  const fp = countAbove(table.outside, cut);
  const fn = table.positives - tp;
  const tn = table.negatives - fp;
  return {
    tp,
    fp,
    fn,
    tn,
    precision: tp + fp ? tp / (tp + fp) : 0,
    recall: table.positives ? tp / table.positives : 0,
    f1: 2 * tp + fp + fn ? (2 * tp) / (2 * tp + fp + fn) : 0,
    accuracy: (tp + tn) / Math.max(1, tp + fp + fn + tn),
  };
}

// Detected windows, mean delay in points from window start to first alarm, bursts outside all windows.
export function countEvents(table, threshold) {
  const cut = cutoff(table, threshold);
  const firsts = table.events.map((event) => (table.flood > cut ? -1 : firstAbove(event, cut)));
  const delays = firsts.flatMap((first, i) => (first < 0 ? [] : [first - table.events[i].start]));
  return {
    hit: firsts.map((first) => first >= 0),
    caught: delays.length,
    total: table.events.length,
    delay: delays.length ? delays.reduce((total, delay) => total + delay, 0) / delays.length : NaN,
    bursts: countAbove(table.tos, cut) - countAbove(table.froms, cut),
    plausible: countPlausible(table, cut),
  };
}

// Bursts of false alarms that overlap a plausible window.
function countPlausible(table, cut) {
  if (!table.plausible.length) return 0;
  const reaches = (burst) => table.plausible.some(([first, end]) => burst.start < end && burst.stop > first);
  return findBursts(table.scores, cut, { start: table.start, stop: table.stop, gap: table.gap, table }).filter(reaches)
    .length;
}

// Bursts of alarms in [start, stop) with their highest point; with a table, of false alarms only.
export function findBursts(scores, cut, { start, stop, gap, table = null }) {
  const result = [];
  let last = -Infinity;
  let burst = null;
  for (let i = start; i < stop; i++) {
    if (!(scores[i] > cut) || (table && (table.labels?.[i] || table.lasting[i - start] > cut))) continue;
    if (!burst || i - last > gap) {
      burst = { start: i, stop: i + 1, peak: i, points: 0 };
      result.push(burst);
    }
    burst.stop = i + 1;
    burst.points++;
    if (scores[i] > scores[burst.peak]) burst.peak = i;
    last = i;
  }
  return result;
}
