// Scales and ticks.

import { MONTHS, twoDigits } from "./format.js";

export const HOUR = 3_600_000,
  DAY = 24 * HOUR;

const STEPS = [HOUR / 2, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];

export function createScale(log, low, high, from, to) {
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

export function findTicks(scale, limit) {
  if (scale.log && scale.high / scale.low > 8) {
    const low = Math.ceil(Math.log10(scale.low));
    const high = Math.floor(Math.log10(scale.high));
    const stride = Math.max(1, Math.ceil((high - low + 1) / Math.max(1, limit)));
    const ticks = [];
    for (let power = low; power <= high; power += stride) ticks.push(10 ** power);
    if (ticks.length < 2)
      for (let power = low - 1; power <= high; power++) ticks.push(2 * 10 ** power, 5 * 10 ** power);
    const inside = ticks.filter((x) => x >= scale.low && x <= scale.high).sort((a, b) => a - b);
    return inside.filter((_, i) => i % Math.ceil(inside.length / limit) === 0);
  }
  const rough = (scale.high - scale.low) / Math.max(1, limit);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= rough * 0.999);
  const ticks = [];
  for (let x = Math.ceil(scale.low / step) * step; x <= scale.high + step * 1e-9; x += step)
    ticks.push(Math.abs(x) < step * 1e-9 ? 0 : x);
  return ticks;
}

// [milliseconds, text] of at most `most` ticks between two moments.
export function findTimeTicks(from, to, limit) {
  const span = to - from;
  const step = STEPS.find((candidate) => span / candidate <= limit);
  if (step && step < DAY) {
    const ticks = [];
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const day = new Date(at);
      ticks.push([
        at,
        at % DAY === 0
          ? `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`
          : `${twoDigits(day.getUTCHours())}:${twoDigits(day.getUTCMinutes())}`,
      ]);
    }
    return ticks;
  }
  if (step) {
    const ticks = [];
    const monday = 4 * DAY;
    const start = step % (7 * DAY) ? 0 : monday;
    for (let at = Math.ceil((from - start) / step) * step + start; at <= to; at += step) {
      const day = new Date(at);
      ticks.push([at, `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`]);
    }
    return ticks;
  }
  const months = [1, 3, 6, 12, 24, 60, 120].find((candidate) => span / (candidate * 30.4 * DAY) <= limit) ?? 240;
  const ticks = [];
  const day = new Date(from);
  for (let month = 0; ; month += months) {
    const at = Date.UTC(
      day.getUTCFullYear(),
      months >= 12 ? month : Math.floor(day.getUTCMonth() / months) * months + month,
      1,
    );
    if (at > to) return ticks;
    const date = new Date(at);
    if (at >= from)
      ticks.push([
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
