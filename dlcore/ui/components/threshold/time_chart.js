// The two views over time: the series with its alarms, and the score with the threshold as a line.

import { clamp, createScale } from "./axes.js";
import { clearLayer, drawLine, drawMarker, drawText, GREEN, KIND_COLORS, PURPLE, SKY, withAlpha } from "./canvas.js";
import { placeHandle } from "./dom.js";
import { kindName } from "./state.js";
import {
  BOTTOM,
  drawTimeAxis,
  drawValueAxis,
  LEFT,
  plotTop,
  RIGHT,
  railHeight,
  TOP,
  toX,
  visibleX,
} from "./time_axes.js";

const MAX_PINS = 160;

// Labeled windows are shaded, plausible ones hatched with a dashed edge, manual ones have a dotted edge.
function drawWindows(s, view, context) {
  const bottom = view.height - BOTTOM;
  const top = plotTop(s, view);
  const shown = s.windows.filter((window) => window.stop > s.zoom[0] && window.start < s.zoom[1]);
  for (const window of shown) {
    const a = Math.max(LEFT, toX(s, view, window.start));
    const b = Math.min(view.width - RIGHT, toX(s, view, window.stop));
    const width = Math.max(2, b - a);
    const color = { labeled: GREEN, plausible: PURPLE, manual: SKY }[window.kind];
    context.fillStyle = withAlpha(color, window.kind === "plausible" ? 0.1 : 0.17);
    context.fillRect(a, top, width, bottom - top);
    context.save();
    context.beginPath();
    context.rect(a, top, width, bottom - top);
    context.clip();
    if (window.kind === "plausible")
      for (let x = a - (bottom - top); x < b; x += 7)
        drawLine(
          context,
          [
            [x, bottom],
            [x + bottom - top, top],
          ],
          { color: withAlpha(color, 0.65) },
        );
    context.restore();
    const dash = { labeled: [], plausible: [4, 3], manual: [1.5, 3] }[window.kind];
    drawLine(
      context,
      [
        [a, bottom],
        [a, top],
        [a + width, top],
        [a + width, bottom],
      ],
      { color: withAlpha(color, 0.8), dash },
    );
  }
}

// Window names with a check mark if caught, a cross if missed, none if not evaluated.
function drawWindowNames(s, view, context) {
  const { colors } = s;
  const rows = [-Infinity, -Infinity, -Infinity];
  context.font = `500 11px ${colors.font}`;
  for (const window of s.windows) {
    const a = Math.max(LEFT, toX(s, view, window.start));
    if (window.stop <= s.zoom[0] || window.start >= s.zoom[1]) continue;
    const event =
      window.kind === "plausible"
        ? -1
        : s.table.events.findIndex((other) => other.start < window.stop && other.stop > window.start);
    const mark = event < 0 ? "" : s.events.hit[event] ? "✓ " : "✗ ";
    const text = `${mark}${window.name}${window.kind === "plausible" ? " (no label)" : ""}`;
    const length = context.measureText(text).width;
    const x = Math.min(a, view.width - RIGHT - length);
    const row = rows.findIndex((used) => used + 8 <= x);
    if (row < 0) continue;
    rows[row] = x + length;
    drawText(context, text, x, 8 + 13 * row, {
      color: mark === "✗ " || event < 0 ? colors.dim : colors.text,
      font: colors.font,
      weight: 500,
    });
  }
}

// Boundaries of the parts; what is not evaluated is grayed out.
function drawParts(s, view, context, hasNames) {
  const { colors } = s;
  const bottom = view.height - BOTTOM;
  const top = plotTop(s, view);
  for (const [from, to] of [
    [0, s.scope.start],
    [s.scope.stop, s.size],
  ]) {
    const a = Math.max(LEFT, toX(s, view, from));
    const b = Math.min(view.width - RIGHT, toX(s, view, to));
    if (to > from && b > a) {
      context.fillStyle = withAlpha(colors.ground, 0.62);
      context.fillRect(a, top, b - a, bottom - top);
    }
  }
  for (const part of s.data.parts ?? []) {
    const x = toX(s, view, part.start);
    const end = Math.min(toX(s, view, part.stop), view.width - RIGHT);
    if (part.start > 0 && x > LEFT && x < view.width - RIGHT)
      drawLine(
        context,
        [
          [x, top],
          [x, bottom],
        ],
        { color: colors.dim, dash: [3, 3] },
      );
    if (hasNames && end - Math.max(x, LEFT) > 60)
      drawText(context, part.name, Math.max(x, LEFT) + 6, bottom - 9, {
        color: colors.dim,
        font: colors.font,
        halo: withAlpha(colors.ground, 0.8),
      });
  }
}

export function drawTrace(s, view, context, scale, numbers, low, high) {
  const { columns } = s;
  const points = [];
  if (columns.sparse)
    for (let i = columns.first; i < columns.last; i++) points.push([toX(s, view, i + 0.5), scale.at(numbers[i])]);
  else
    for (let c = 0; c < columns.columns; c++) {
      points.push([LEFT + c, scale.at(low[c])]);
      if (high[c] > low[c]) points.push([LEFT + c + 0.5, scale.at(high[c])]);
    }
  context.save();
  context.beginPath();
  context.rect(LEFT, plotTop(s, view) - 2, view.width - LEFT - RIGHT, view.height - BOTTOM - plotTop(s, view) + 4);
  context.clip();
  drawLine(context, points, { color: s.colors.trace, width: columns.sparse ? 1.5 : 1 });
  context.restore();
}

export function drawSeriesStill(s, view) {
  const context = clearLayer(view, "still");
  const { low, high } = s.valueRange;
  view.scale = createScale(false, low, high, view.height - BOTTOM, railHeight(s) + 4);
  drawTimeAxis(s, view, context);
  drawValueAxis(s, view, context, view.scale);
  drawWindows(s, view, context);
  drawTrace(s, view, context, view.scale, s.values, s.columns.low, s.columns.high);
  drawParts(s, view, context, true);
}

export function drawScoreStill(s, view) {
  const context = clearLayer(view, "still");
  view.scale = createScale(s.axis.log, s.axis.low, s.axis.high, view.height - BOTTOM, TOP);
  drawTimeAxis(s, view, context);
  drawValueAxis(s, view, context, view.scale);
  drawWindows(s, view, context);
  drawTrace(s, view, context, view.scale, s.scores, s.columns.scoreLow, s.columns.scoreHigh);
  drawParts(s, view, context, false);
  for (const reference of s.references) {
    if (!(reference.value > s.axis.low && reference.value < s.axis.high)) continue;
    const y = view.scale.at(reference.value);
    drawLine(
      context,
      [
        [LEFT, y],
        [view.width - RIGHT, y],
      ],
      { color: withAlpha(s.colors.text, 0.3), dash: reference.usesLabels ? [2, 4] : [7, 5] },
    );
  }
}

// Names of the reference thresholds; of two close lines only the first is named.
function drawReferenceNames(s, view, context) {
  const used = [view.scale.at(s.t)];
  for (const reference of s.references) {
    const y = view.scale.at(reference.value);
    if (
      !(reference.value > s.axis.low && reference.value < s.axis.high) ||
      used.some((other) => Math.abs(other - y) < 12)
    )
      continue;
    used.push(y);
    drawText(context, reference.name, LEFT + 6, y - 6, {
      color: s.colors.text,
      font: s.colors.font,
      size: 10,
      halo: withAlpha(s.colors.ground, 0.85),
    });
  }
}

// Calls draw(kind, x, index, score) for every pixel column, or every point if zoomed in, with an alarm.
function eachAlarm(s, view, draw) {
  const { columns, cut } = s;
  if (columns.sparse) {
    for (let i = columns.first; i < columns.last; i++)
      if (s.scores[i] > cut) draw(s.kinds[i], toX(s, view, i + 0.5), i, s.scores[i]);
    return;
  }
  for (let kind = 0; kind < 4; kind++) {
    const tops = columns.tops[kind];
    for (let c = 0; c < columns.columns; c++) if (tops[c] > cut) draw(kind, LEFT + c, c, tops[c]);
  }
}

export function drawSeriesMoving(s, view) {
  const context = clearLayer(view, "moving");
  const { columns, colors } = s;
  const paths = [new Path2D(), new Path2D(), new Path2D(), new Path2D()];
  const bottom = view.height - BOTTOM;
  eachAlarm(s, view, (kind, x, at) => {
    if (columns.sparse) {
      paths[kind].moveTo(x + 3, view.scale.at(s.values[at]));
      paths[kind].arc(x, view.scale.at(s.values[at]), 3, 0, 7);
      return;
    }
    const y = view.scale.at(columns.high[at]);
    paths[kind].rect(x - 0.5, y - 1, 2, Math.max(3, view.scale.at(columns.low[at]) - y + 2));
  });
  paths.forEach((path, kind) => {
    context.fillStyle = KIND_COLORS[kindName(s, kind)];
    context.fill(path);
  });
  drawPins(s, view, context);
  drawWindowNames(s, view, context);
  if (s.selectedAlarm !== null && visibleX(s, view, s.selectedAlarm) !== null) {
    const x = visibleX(s, view, s.selectedAlarm + 0.5);
    drawLine(
      context,
      [
        [x, railHeight(s) - 10],
        [x, bottom],
      ],
      { color: colors.text, width: 1.5 },
    );
  }
  if (s.brush) {
    const [a, b] = s.brush.map((place) => toX(s, view, place)).sort((p, q) => p - q);
    context.fillStyle = withAlpha(s.mode === "mark" ? SKY : colors.text, 0.18);
    context.fillRect(a, railHeight(s), b - a, bottom - railHeight(s));
  }
  drawCrosshair(s, view, context);
}

// One pin per burst above the series; ticks if there are many.
function drawPins(s, view, context) {
  const shown = s.bursts.filter((burst) => burst.stop > s.zoom[0] && burst.start < s.zoom[1]);
  const isCompact = shown.length > MAX_PINS;
  for (const burst of shown) {
    const x = toX(s, view, burst.peak + 0.5);
    if (x < LEFT - 2 || x > view.width - RIGHT + 2) continue;
    if (isCompact) {
      context.fillStyle = KIND_COLORS[burst.kind];
      context.fillRect(x - 0.75, railHeight(s) - 14, 1.5, 9);
    } else drawMarker(context, burst.kind, x, railHeight(s) - 9, 4.2);
    if (burst.peak === s.selectedAlarm) {
      context.lineWidth = 1.5;
      context.strokeStyle = s.colors.text;
      context.strokeRect(x - 8, railHeight(s) - 17, 16, 16);
    }
  }
}

export function drawScoreMoving(s, view) {
  const context = clearLayer(view, "moving");
  const { colors, columns } = s;
  const y = clamp(view.scale.at(s.t), TOP, view.height - BOTTOM);
  const paths = [new Path2D(), new Path2D(), new Path2D(), new Path2D()];
  context.fillStyle = withAlpha(colors.primary, 0.06);
  context.fillRect(LEFT, TOP, view.width - LEFT - RIGHT, y - TOP);
  drawStableRange(s, view, context);
  eachAlarm(s, view, (kind, x, _at, score) => {
    const top = view.scale.at(score);
    if (columns.sparse) {
      paths[kind].moveTo(x + 3, top);
      paths[kind].arc(x, top, 3, 0, 7);
    } else paths[kind].rect(x - 0.5, top, 2, Math.max(2, y - top));
  });
  paths.forEach((path, kind) => {
    context.fillStyle = KIND_COLORS[kindName(s, kind)];
    context.fill(path);
  });
  drawReferenceNames(s, view, context);
  drawLine(
    context,
    [
      [LEFT, y],
      [view.width - RIGHT, y],
    ],
    { color: colors.primary, width: 2 },
  );
  drawCrosshair(s, view, context);
  placeHandle(s, y);
}

// The range of thresholds with the same events and false alarms.
function drawStableRange(s, view, context) {
  const edge = (value, fallback) =>
    clamp(Number.isFinite(value) ? view.scale.at(value) : fallback, TOP, view.height - BOTTOM);
  const top = edge(s.stableRange.high, TOP);
  const bottom = edge(s.stableRange.low, view.height - BOTTOM);
  context.fillStyle = withAlpha(s.colors.primary, 0.16);
  context.fillRect(LEFT, top, view.width - LEFT - RIGHT, bottom - top);
}

function drawCrosshair(s, view, context) {
  if (s.hover === null || visibleX(s, view, s.hover) === null) return;
  const x = visibleX(s, view, s.hover + 0.5);
  drawLine(
    context,
    [
      [x, plotTop(s, view)],
      [x, view.height - BOTTOM],
    ],
    { color: s.colors.dim, dash: [2, 3] },
  );
}
