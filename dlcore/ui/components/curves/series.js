// Smoothing, downsampling and x coordinates of training curves.

import { decode } from "../shared/arrays.js";

const MOST_POINTS = 2000;

// Exponential moving average with bias correction (Kingma and Ba, 2015, section 3).
export function smooth(values, weight) {
  if (weight <= 0) return values;
  const result = new Float64Array(values.length);
  let mean = 0;
  let power = 1;
  for (let i = 0; i < values.length; i++) {
    mean = weight * mean + (1 - weight) * values[i];
    power *= weight;
    result[i] = mean / (1 - power);
  }
  return result;
}

// At most 2,000 points: minimum and maximum of each bucket, so that no spike is lost.
export function downsample(x, y) {
  if (y.length <= MOST_POINTS) return [Array.from(x), Array.from(y)];
  const buckets = MOST_POINTS / 2;
  const outX = [];
  const outY = [];
  for (let b = 0; b < buckets; b++) {
    const from = Math.floor((b * y.length) / buckets);
    const to = Math.floor(((b + 1) * y.length) / buckets);
    let low = from;
    let high = from;
    for (let i = from; i < to; i++) {
      if (y[i] < y[low]) low = i;
      if (y[i] > y[high]) high = i;
    }
    for (const i of low < high ? [low, high] : low > high ? [high, low] : [low]) {
      outX.push(x[i]);
      outY.push(y[i]);
    }
  }
  return [outX, outY];
}

function interpolate(positions, xs, ys) {
  if (!xs.length) return Array.from(positions, () => null);
  let j = 0;
  return Array.from(positions, (x) => {
    while (j < xs.length - 1 && xs[j + 1] <= x) j++;
    while (j > 0 && xs[j] > x) j--;
    if (j === xs.length - 1 || x <= xs[0]) return x <= xs[0] ? (ys[0] * x) / xs[0] : ys[j];
    return ys[j] + ((ys[j + 1] - ys[j]) * (x - xs[j])) / (xs[j + 1] - xs[j]);
  });
}

export function toAxis(run, steps, kind) {
  if (run.reported && kind !== "epoch") return Array.from(steps, () => null); // reported by epoch only
  if (kind === "seconds") {
    const clock = run.curves.elapsed_s;
    return clock ? interpolate(steps, clock.steps, clock.values) : Array.from(steps, () => null);
  }
  const factor = { epoch: 1 / run.steps_per_epoch, step: 1, samples: run.batch_size }[kind];
  return Float64Array.from(steps, (step) => step * factor);
}

export function unpack(run) {
  const curves = {};
  for (const [name, curve] of Object.entries(run.curves)) {
    curves[name] = Object.fromEntries(Object.entries(curve).map(([part, packed]) => [part, decode(packed)]));
  }
  return { ...run, curves };
}

export function varies(curve) {
  return curve?.values.some((value) => Math.abs(value - curve.values[0]) > 1e-9 * Math.abs(curve.values[0]));
}

// A loss that falls by a factor over 30 needs a log scale.
export function fallsFar(run) {
  return ["train_loss", "validation_loss"].some((name) => {
    const values = run.curves[name]?.values ?? [];
    const low = Math.min(...values);
    const high = Math.max(...values);
    return values.length > 1 && low > 0 && high / low > 30;
  });
}
