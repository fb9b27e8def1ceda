// The two views over time: the series with its alarms, and the score with the threshold as a line.

import { clamp, scaleOf } from "./axes.js";
import { faint, GREEN, KINDS, line, mark, PURPLE, pen, SKY, write } from "./canvas.js";
import { putHandle } from "./dom.js";
import { kindName } from "./state.js";
import { FLOOR, HEADROOM, LEFT, over, placeToX, RIGHT, railOf, timeAxis, topOf, valueAxis } from "./time_axes.js";

const MOST_PINS = 160;

// Windows: labelled ones plainly shaded, plausible ones hatched with a dashed edge, one's own with a dotted edge.
function shade(s, view, context) {
  const bottom = view.height - FLOOR;
  const top = topOf(s, view);
  const shown = s.windows.filter((one) => one.stop > s.zoom[0] && one.start < s.zoom[1]);
  for (const one of shown) {
    const a = Math.max(LEFT, placeToX(s, view, one.start));
    const b = Math.min(view.width - RIGHT, placeToX(s, view, one.stop));
    const wide = Math.max(2, b - a);
    const colour = { labelled: GREEN, plausible: PURPLE, yours: SKY }[one.kind];
    context.fillStyle = faint(colour, one.kind === "plausible" ? 0.1 : 0.17);
    context.fillRect(a, top, wide, bottom - top);
    context.save();
    context.beginPath();
    context.rect(a, top, wide, bottom - top);
    context.clip();
    if (one.kind === "plausible")
      for (let x = a - (bottom - top); x < b; x += 7)
        line(
          context,
          [
            [x, bottom],
            [x + bottom - top, top],
          ],
          { colour: faint(colour, 0.65) },
        );
    context.restore();
    const dash = { labelled: [], plausible: [4, 3], yours: [1.5, 3] }[one.kind];
    line(
      context,
      [
        [a, bottom],
        [a, top],
        [a + wide, top],
        [a + wide, bottom],
      ],
      { colour: faint(colour, 0.8), dash },
    );
  }
}

// The windows' names, each with what became of it at this threshold: caught, missed, or nothing where it does not count.
function nameWindows(s, view, context) {
  const { colours } = s;
  const rows = [-Infinity, -Infinity, -Infinity];
  context.font = `500 11px ${colours.font}`;
  for (const one of s.windows) {
    const a = Math.max(LEFT, placeToX(s, view, one.start));
    if (one.stop <= s.zoom[0] || one.start >= s.zoom[1]) continue;
    const event =
      one.kind === "plausible"
        ? -1
        : s.table.events.findIndex((other) => other.start < one.stop && other.stop > one.start);
    const sign = event < 0 ? "" : s.events.hit[event] ? "✓ " : "✗ ";
    const text = `${sign}${one.name}${one.kind === "plausible" ? " (no label)" : ""}`;
    const length = context.measureText(text).width;
    const x = Math.min(a, view.width - RIGHT - length);
    const row = rows.findIndex((taken) => taken + 8 <= x);
    if (row < 0) continue;
    rows[row] = x + length;
    write(context, text, x, 8 + 13 * row, {
      colour: sign === "✗ " || event < 0 ? colours.dim : colours.text,
      font: colours.font,
      weight: 500,
    });
  }
}

// Where the parts begin, and a veil over what is not counted.
function parts(s, view, context, named) {
  const { colours } = s;
  const bottom = view.height - FLOOR;
  const top = topOf(s, view);
  for (const [from, to] of [
    [0, s.scope.start],
    [s.scope.stop, s.size],
  ]) {
    const a = Math.max(LEFT, placeToX(s, view, from));
    const b = Math.min(view.width - RIGHT, placeToX(s, view, to));
    if (to > from && b > a) {
      context.fillStyle = faint(colours.ground, 0.62);
      context.fillRect(a, top, b - a, bottom - top);
    }
  }
  for (const part of s.data.parts ?? []) {
    const x = placeToX(s, view, part.start);
    const end = Math.min(placeToX(s, view, part.stop), view.width - RIGHT);
    if (part.start > 0 && x > LEFT && x < view.width - RIGHT)
      line(
        context,
        [
          [x, top],
          [x, bottom],
        ],
        { colour: colours.dim, dash: [3, 3] },
      );
    if (named && end - Math.max(x, LEFT) > 60)
      write(context, part.name, Math.max(x, LEFT) + 6, bottom - 9, {
        colour: colours.dim,
        font: colours.font,
        halo: faint(colours.ground, 0.8),
      });
  }
}

export function trace(s, view, context, scale, numbers, low, high) {
  const { columns } = s;
  const points = [];
  if (columns.sparse)
    for (let i = columns.first; i < columns.last; i++) points.push([placeToX(s, view, i + 0.5), scale.at(numbers[i])]);
  else
    for (let c = 0; c < columns.columns; c++) {
      points.push([LEFT + c, scale.at(low[c])]);
      if (high[c] > low[c]) points.push([LEFT + c + 0.5, scale.at(high[c])]);
    }
  context.save();
  context.beginPath();
  context.rect(LEFT, topOf(s, view) - 2, view.width - LEFT - RIGHT, view.height - FLOOR - topOf(s, view) + 4);
  context.clip();
  line(context, points, { colour: s.colours.trace, width: columns.sparse ? 1.5 : 1 });
  context.restore();
}

export function drawSeriesStill(s, view) {
  const context = pen(view, "still");
  const { low, high } = s.valueRange;
  view.scale = scaleOf(false, low, high, view.height - FLOOR, railOf(s) + 4);
  timeAxis(s, view, context);
  valueAxis(s, view, context, view.scale);
  shade(s, view, context);
  trace(s, view, context, view.scale, s.values, s.columns.low, s.columns.high);
  parts(s, view, context, true);
}

export function drawScoreStill(s, view) {
  const context = pen(view, "still");
  view.scale = scaleOf(s.axis.log, s.axis.low, s.axis.high, view.height - FLOOR, HEADROOM);
  timeAxis(s, view, context);
  valueAxis(s, view, context, view.scale);
  shade(s, view, context);
  trace(s, view, context, view.scale, s.scores, s.columns.scoreLow, s.columns.scoreHigh);
  parts(s, view, context, false);
  for (const ghost of s.ghosts) {
    if (!(ghost.value > s.axis.low && ghost.value < s.axis.high)) continue;
    const y = view.scale.at(ghost.value);
    line(
      context,
      [
        [LEFT, y],
        [view.width - RIGHT, y],
      ],
      { colour: faint(s.colours.text, 0.3), dash: ghost.seen ? [2, 4] : [7, 5] },
    );
  }
}

// The marks' names on their lines, over all alarms; where two lie close the first is named.
function nameGhosts(s, view, context) {
  const taken = [view.scale.at(s.t)];
  for (const ghost of s.ghosts) {
    const y = view.scale.at(ghost.value);
    if (!(ghost.value > s.axis.low && ghost.value < s.axis.high) || taken.some((other) => Math.abs(other - y) < 12))
      continue;
    taken.push(y);
    write(context, ghost.name, LEFT + 6, y - 6, {
      colour: s.colours.text,
      font: s.colours.font,
      size: 10,
      halo: faint(s.colours.ground, 0.85),
    });
  }
}

// Calls draw(kind, x, i) for every column, or at closer look every point, that raises an alarm.
function eachAlarm(s, view, draw) {
  const { columns, cut } = s;
  if (columns.sparse) {
    for (let i = columns.first; i < columns.last; i++)
      if (s.scores[i] > cut) draw(s.kinds[i], placeToX(s, view, i + 0.5), i, s.scores[i]);
    return;
  }
  for (let kind = 0; kind < 4; kind++) {
    const tops = columns.tops[kind];
    for (let c = 0; c < columns.columns; c++) if (tops[c] > cut) draw(kind, LEFT + c, c, tops[c]);
  }
}

export function drawSeriesMoving(s, view) {
  const context = pen(view, "moving");
  const { columns, colours } = s;
  const paths = [new Path2D(), new Path2D(), new Path2D(), new Path2D()];
  const bottom = view.height - FLOOR;
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
    context.fillStyle = KINDS[kindName(s, kind)];
    context.fill(path);
  });
  pins(s, view, context);
  nameWindows(s, view, context);
  if (s.chosen !== null && over(s, view, s.chosen) !== null) {
    const x = over(s, view, s.chosen + 0.5);
    line(
      context,
      [
        [x, railOf(s) - 10],
        [x, bottom],
      ],
      { colour: colours.text, width: 1.5 },
    );
  }
  if (s.brush) {
    const [a, b] = s.brush.map((place) => placeToX(s, view, place)).sort((p, q) => p - q);
    context.fillStyle = faint(s.mode === "mark" ? SKY : colours.text, 0.18);
    context.fillRect(a, railOf(s), b - a, bottom - railOf(s));
  }
  crosshair(s, view, context);
}

// One pin a burst in the rail above the series; many bursts become ticks.
function pins(s, view, context) {
  const shown = s.bursts.filter((burst) => burst.stop > s.zoom[0] && burst.start < s.zoom[1]);
  const small = shown.length > MOST_PINS;
  for (const burst of shown) {
    const x = placeToX(s, view, burst.peak + 0.5);
    if (x < LEFT - 2 || x > view.width - RIGHT + 2) continue;
    if (small) {
      context.fillStyle = KINDS[burst.kind];
      context.fillRect(x - 0.75, railOf(s) - 14, 1.5, 9);
    } else mark(context, burst.kind, x, railOf(s) - 9, 4.2);
    if (burst.peak === s.chosen) {
      context.lineWidth = 1.5;
      context.strokeStyle = s.colours.text;
      context.strokeRect(x - 8, railOf(s) - 17, 16, 16);
    }
  }
}

export function drawScoreMoving(s, view) {
  const context = pen(view, "moving");
  const { colours, columns } = s;
  const y = clamp(view.scale.at(s.t), HEADROOM, view.height - FLOOR);
  const paths = [new Path2D(), new Path2D(), new Path2D(), new Path2D()];
  context.fillStyle = faint(colours.primary, 0.06);
  context.fillRect(LEFT, HEADROOM, view.width - LEFT - RIGHT, y - HEADROOM);
  steadyBand(s, view, context);
  eachAlarm(s, view, (kind, x, _at, score) => {
    const top = view.scale.at(score);
    if (columns.sparse) {
      paths[kind].moveTo(x + 3, top);
      paths[kind].arc(x, top, 3, 0, 7);
    } else paths[kind].rect(x - 0.5, top, 2, Math.max(2, y - top));
  });
  paths.forEach((path, kind) => {
    context.fillStyle = KINDS[kindName(s, kind)];
    context.fill(path);
  });
  nameGhosts(s, view, context);
  line(
    context,
    [
      [LEFT, y],
      [view.width - RIGHT, y],
    ],
    { colour: colours.primary, width: 2 },
  );
  crosshair(s, view, context);
  putHandle(s, y);
}

// How far the line may move before an event is lost or an alarm gained.
function steadyBand(s, view, context) {
  const edge = (value, otherwise) =>
    clamp(Number.isFinite(value) ? view.scale.at(value) : otherwise, HEADROOM, view.height - FLOOR);
  const top = edge(s.steady.high, HEADROOM);
  const bottom = edge(s.steady.low, view.height - FLOOR);
  context.fillStyle = faint(s.colours.primary, 0.16);
  context.fillRect(LEFT, top, view.width - LEFT - RIGHT, bottom - top);
}

function crosshair(s, view, context) {
  if (s.hover === null || over(s, view, s.hover) === null) return;
  const x = over(s, view, s.hover + 0.5);
  line(
    context,
    [
      [x, topOf(s, view)],
      [x, view.height - FLOOR],
    ],
    { colour: s.colours.dim, dash: [2, 3] },
  );
}
