// The shared time axis: from places to pixels and back, ticks, one column of numbers per pixel.

import { ticksOf, timeTicks } from "./axes.js";
import { line, write } from "./canvas.js";
import { tickText } from "./format.js";

export const LEFT = 66,
  RIGHT = 10,
  FLOOR = 22,
  HEADROOM = 8;

// For each column of pixels the range of both lines, and the highest score of each kind of point in it.
export function columnsOf(s, width) {
  const [from, to] = s.zoom;
  const columns = Math.max(1, Math.floor(width));
  const many = (to - from) / columns;
  const first = Math.max(0, Math.floor(from));
  const last = Math.min(s.size, Math.ceil(to) + 1);
  if (many < 1.5) return { sparse: true, first, last, columns };
  const make = () => new Float64Array(columns);
  const found = {
    sparse: false,
    first,
    last,
    columns,
    low: make(),
    high: make(),
    scoreLow: make(),
    scoreHigh: make(),
    tops: [make(), make(), make(), make()],
  };
  for (let c = 0; c < columns; c++) {
    const start = Math.max(0, Math.floor(from + c * many));
    const stop = Math.min(s.size, Math.max(start + 1, Math.floor(from + (c + 1) * many)));
    let low = Infinity;
    let high = -Infinity;
    let scoreLow = Infinity;
    let scoreHigh = -Infinity;
    const tops = [-Infinity, -Infinity, -Infinity, -Infinity];
    for (let i = start; i < stop; i++) {
      const score = s.scores[i];
      const kind = s.kinds[i];
      if (s.values) {
        const value = s.values[i];
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (score < scoreLow) scoreLow = score;
      if (score > scoreHigh) scoreHigh = score;
      if (score > tops[kind]) tops[kind] = score;
    }
    found.low[c] = low;
    found.high[c] = high;
    found.scoreLow[c] = scoreLow;
    found.scoreHigh[c] = scoreHigh;
    for (let kind = 0; kind < 4; kind++) found.tops[kind][c] = tops[kind];
  }
  return found;
}

export const placeToX = (s, view, place) =>
  LEFT + ((place - s.zoom[0]) / (s.zoom[1] - s.zoom[0])) * (view.width - LEFT - RIGHT);

export const xToPlace = (s, view, x) =>
  s.zoom[0] + ((x - LEFT) / (view.width - LEFT - RIGHT)) * (s.zoom[1] - s.zoom[0]);

export function timeAxis(s, view, context) {
  const { colours } = s;
  const bottom = view.height - FLOOR;
  const ticks = timeTicks(s.timeOf(s.zoom[0]), s.timeOf(s.zoom[1]), Math.max(2, (view.width - LEFT) / 92));
  for (const [at, text] of ticks) {
    const x = placeToX(s, view, s.placeAt(at));
    if (x < LEFT - 1 || x > view.width - RIGHT + 1) continue;
    line(
      context,
      [
        [x, topOf(s, view)],
        [x, bottom],
      ],
      { colour: colours.line },
    );
    write(context, text, Math.min(x, view.width - RIGHT - 16), bottom + 13, {
      colour: colours.dim,
      font: colours.font,
      align: "center",
    });
  }
}

// Room above the series for the pins, and for names where there are windows.
export const railOf = (s) => (s.windows.length ? 60 : 20);

export const topOf = (s, view) => (view.name === "series" ? railOf(s) : HEADROOM);

export function valueAxis(s, view, context, scale, most = 4) {
  for (const tick of ticksOf(scale, most)) {
    const y = scale.at(tick);
    line(
      context,
      [
        [LEFT, y],
        [view.width - RIGHT, y],
      ],
      { colour: s.colours.line },
    );
    write(context, tickText(tick), LEFT - 7, y, { colour: s.colours.dim, font: s.colours.font, align: "right" });
  }
}

export function over(s, view, place) {
  return place >= s.zoom[0] && place <= s.zoom[1] ? placeToX(s, view, place) : null;
}
