// The shared time axis: conversion between indices and pixels, ticks, aggregates per pixel column.

import { findTicks, findTimeTicks } from "./axes.js";
import { drawLine, drawText } from "./canvas.js";
import { formatTick } from "./format.js";

export const LEFT = 66,
  RIGHT = 10,
  BOTTOM = 22,
  TOP = 8;

// For each pixel column: range of the values and scores, and the highest score of each kind of point.
export function reduceColumns(s, width) {
  const [from, to] = s.zoom;
  const columns = Math.max(1, Math.floor(width));
  const perColumn = (to - from) / columns;
  const first = Math.max(0, Math.floor(from));
  const last = Math.min(s.size, Math.ceil(to) + 1);
  if (perColumn < 1.5) return { sparse: true, first, last, columns };
  const column = () => new Float64Array(columns);
  const reduced = {
    sparse: false,
    first,
    last,
    columns,
    low: column(),
    high: column(),
    scoreLow: column(),
    scoreHigh: column(),
    tops: [column(), column(), column(), column()],
  };
  for (let c = 0; c < columns; c++) {
    const start = Math.max(0, Math.floor(from + c * perColumn));
    const stop = Math.min(s.size, Math.max(start + 1, Math.floor(from + (c + 1) * perColumn)));
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
    reduced.low[c] = low;
    reduced.high[c] = high;
    reduced.scoreLow[c] = scoreLow;
    reduced.scoreHigh[c] = scoreHigh;
    for (let kind = 0; kind < 4; kind++) reduced.tops[kind][c] = tops[kind];
  }
  return reduced;
}

export const toX = (s, view, place) =>
  LEFT + ((place - s.zoom[0]) / (s.zoom[1] - s.zoom[0])) * (view.width - LEFT - RIGHT);

export const toPlace = (s, view, x) => s.zoom[0] + ((x - LEFT) / (view.width - LEFT - RIGHT)) * (s.zoom[1] - s.zoom[0]);

export function drawTimeAxis(s, view, context) {
  const { colors } = s;
  const bottom = view.height - BOTTOM;
  const ticks = findTimeTicks(s.timeOf(s.zoom[0]), s.timeOf(s.zoom[1]), Math.max(2, (view.width - LEFT) / 92));
  for (const [at, text] of ticks) {
    const x = toX(s, view, s.placeAt(at));
    if (x < LEFT - 1 || x > view.width - RIGHT + 1) continue;
    drawLine(
      context,
      [
        [x, plotTop(s, view)],
        [x, bottom],
      ],
      { color: colors.line },
    );
    drawText(context, text, Math.min(x, view.width - RIGHT - 16), bottom + 13, {
      color: colors.dim,
      font: colors.font,
      align: "center",
    });
  }
}

// Height above the series for pins and window names.
export const railHeight = (s) => (s.windows.length ? 60 : 20);

export const plotTop = (s, view) => (view.name === "series" ? railHeight(s) : TOP);

export function drawValueAxis(s, view, context, scale, limit = 4) {
  for (const tick of findTicks(scale, limit)) {
    const y = scale.at(tick);
    drawLine(
      context,
      [
        [LEFT, y],
        [view.width - RIGHT, y],
      ],
      { color: s.colors.line },
    );
    drawText(context, formatTick(tick), LEFT - 7, y, { color: s.colors.dim, font: s.colors.font, align: "right" });
  }
}

export function visibleX(s, view, place) {
  return place >= s.zoom[0] && place <= s.zoom[1] ? toX(s, view, place) : null;
}
