// Scales and ticks.

import { MONTHS, two } from "./format.js";

export const HOUR = 3_600_000,
  DAY = 24 * HOUR;

const STEPS = [HOUR / 2, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];

export function scaleOf(log, low, high, from, to) {
  const f = log ? Math.log : (x) => x;
  const g = log ? Math.exp : (x) => x;
  const a = f(low);
  const b = f(high);
  const slope = (to - from) / (b - a || 1);
  return {
    log,
    low,
    high,
    from,
    to,
    at: (x) => ((log && !(x > 0)) || !Number.isFinite(x) ? from : from + (f(x) - a) * slope),
    back: (px) => g(a + (px - from) / slope),
  };
}

export function ticksOf(scale, most) {
  if (scale.log && scale.high / scale.low > 8) {
    const low = Math.ceil(Math.log10(scale.low));
    const high = Math.floor(Math.log10(scale.high));
    const every = Math.max(1, Math.ceil((high - low + 1) / Math.max(1, most)));
    const found = [];
    for (let power = low; power <= high; power += every) found.push(10 ** power);
    if (found.length < 2)
      for (let power = low - 1; power <= high; power++) found.push(2 * 10 ** power, 5 * 10 ** power);
    const inside = found.filter((x) => x >= scale.low && x <= scale.high).sort((a, b) => a - b);
    return inside.filter((_, i) => i % Math.ceil(inside.length / most) === 0);
  }
  const rough = (scale.high - scale.low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= rough * 0.999);
  const found = [];
  for (let x = Math.ceil(scale.low / step) * step; x <= scale.high + step * 1e-9; x += step)
    found.push(Math.abs(x) < step * 1e-9 ? 0 : x);
  return found;
}

// [milliseconds, text] of at most `most` ticks between two moments.
export function timeTicks(from, to, most) {
  const span = to - from;
  const step = STEPS.find((one) => span / one <= most);
  if (step && step < DAY) {
    const found = [];
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const day = new Date(at);
      found.push([
        at,
        at % DAY === 0
          ? `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`
          : `${two(day.getUTCHours())}:${two(day.getUTCMinutes())}`,
      ]);
    }
    return found;
  }
  if (step) {
    const found = [];
    const monday = 4 * DAY;
    const start = step % (7 * DAY) ? 0 : monday;
    for (let at = Math.ceil((from - start) / step) * step + start; at <= to; at += step) {
      const day = new Date(at);
      found.push([at, `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`]);
    }
    return found;
  }
  const months = [1, 3, 6, 12, 24, 60, 120].find((one) => span / (one * 30.4 * DAY) <= most) ?? 240;
  const found = [];
  const day = new Date(from);
  for (let month = 0; ; month += months) {
    const at = Date.UTC(
      day.getUTCFullYear(),
      months >= 12 ? month : Math.floor(day.getUTCMonth() / months) * months + month,
      1,
    );
    if (at > to) return found;
    const date = new Date(at);
    if (at >= from)
      found.push([
        at,
        months >= 12
          ? `${date.getUTCFullYear()}`
          : date.getUTCMonth()
            ? MONTHS[date.getUTCMonth()]
            : `${date.getUTCFullYear()}`,
      ]);
  }
}

export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
