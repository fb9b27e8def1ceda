// Cost at each threshold, precision-recall curve and ROC curve.

import { clamp, scaleOf } from "./axes.js";
import { faint, line, pen, write } from "./canvas.js";
import { countsAt } from "./counts.js";
import { acrossScale, bar, bottomAxis, ghostsOn, plotBox, point, sideAxis } from "./plot_area.js";
import { placeOf } from "./sweep.js";

// The cost where a threshold is of use; where alarms only grow together the curve is veiled.
export function drawCostStill(s, view) {
  const context = pen(view, "still");
  const box = plotBox(view);
  const scale = acrossScale(s, view);
  const { thresholds } = s.sweep;
  view.scale = scale;
  let most = 1;
  for (let k = s.useful; k < thresholds.length; k++) if (s.costs[k] > most) most = s.costs[k];
  view.up = scaleOf(false, 0, most * 1.08, box.bottom, box.top);
  bottomAxis(s, view, context, scale, s.data.score);
  sideAxis(s, view, context, view.up);
  const points = [];
  for (let k = 0; k < thresholds.length; k++) {
    const from = clamp(scale.at(thresholds[k]), box.left, box.right);
    const to = k + 1 < thresholds.length ? scale.at(thresholds[k + 1]) : box.right;
    if (to < box.left) continue;
    const y = Math.max(box.top, view.up.at(s.costs[k]));
    const last = points[points.length - 1];
    if (last && Math.abs(last[0] - from) < 0.4 && Math.abs(last[1] - y) < 0.4) continue;
    points.push([from, y], [clamp(to, box.left, box.right), y]);
  }
  line(context, points, { colour: faint(s.colours.text, 0.6), width: 1.5 });
  const veil = clamp(scale.at(thresholds[s.useful]), box.left, box.right);
  if (s.useful) {
    context.fillStyle = faint(s.colours.ground, 0.7);
    context.fillRect(box.left, box.top, veil - box.left, box.bottom - box.top);
  }
  ghostsOn(
    s,
    context,
    (ghost) => [scale.at(ghost.value), view.up.at(s.costs[placeOf(s.sweep, s.table, ghost.value)])],
    box,
  );
}

export function drawCostMoving(s, view) {
  const context = pen(view, "moving");
  const box = plotBox(view);
  const x = clamp(view.scale.at(s.t), box.left, box.right);
  bar(s, view, context, x);
  point(s, context, x, clamp(view.up.at(s.costs[placeOf(s.sweep, s.table, s.t)]), box.top, box.bottom));
}

function unitScales(view) {
  const box = plotBox(view);
  return [scaleOf(false, 0, 1, box.left, box.right), scaleOf(false, 0, 1, box.bottom, box.top)];
}

// Points of a curve at every threshold, thinned to those that the eye can tell apart: [x, y, threshold].
function curvePoints(s, view, at) {
  const [across, up] = unitScales(view);
  const { sweep, table } = s;
  const points = [];
  for (let k = sweep.thresholds.length - 1; k >= 0; k--) {
    const spot = at(sweep.tp[k], sweep.fp[k], table);
    if (!spot) continue;
    const x = across.at(spot[0]);
    const y = up.at(spot[1]);
    const last = points[points.length - 1];
    if (last && k && Math.hypot(last[0] - x, last[1] - y) < 0.6) continue;
    points.push([x, y, sweep.thresholds[k]]);
  }
  return points;
}

const ON_CURVE = {
  pr: (tp, fp, table) => (tp + fp ? [tp / table.positives, tp / (tp + fp)] : null),
  roc: (tp, fp, table) => [fp / table.negatives, tp / table.positives],
};

export function drawCurveStill(s, view) {
  const context = pen(view, "still");
  const box = plotBox(view);
  const [across, up] = unitScales(view);
  const at = ON_CURVE[view.name];
  const chance = s.table.positives / (s.table.positives + s.table.negatives);
  bottomAxis(
    s,
    view,
    context,
    across,
    view.name === "pr"
      ? `Recall: share of ${s.data.words.positives}`
      : `False alarms: share of ${s.data.words.negatives}`,
  );
  sideAxis(s, view, context, up);
  view.points = curvePoints(s, view, at);
  line(
    context,
    view.name === "pr"
      ? [
          [box.left, up.at(chance)],
          [box.right, up.at(chance)],
        ]
      : [
          [box.left, box.bottom],
          [box.right, box.top],
        ],
    { colour: s.colours.dim, dash: [2, 4] },
  );
  if (view.points.length) {
    context.beginPath();
    context.moveTo(view.points[0][0], box.bottom);
    for (const [x, y] of view.points) context.lineTo(x, y);
    context.lineTo(view.points[view.points.length - 1][0], box.bottom);
    context.fillStyle = faint(s.colours.text, 0.07);
    context.fill();
    line(context, view.points, { colour: faint(s.colours.text, 0.6), width: 1.75 });
  }
  ghostsOn(s, context, (ghost) => spotAt(s, view, ghost.value), box);
}

function spotAt(s, view, threshold) {
  const [across, up] = unitScales(view);
  const { tp, fp } = countsAt(s.table, threshold);
  const spot = ON_CURVE[view.name](tp, fp, s.table);
  return spot && [across.at(spot[0]), up.at(spot[1])];
}

export function drawCurveMoving(s, view) {
  const context = pen(view, "moving");
  const box = plotBox(view);
  const spot = spotAt(s, view, s.t);
  if (!spot) {
    write(context, "no alarm at this threshold", box.left + 8, box.bottom - 10, {
      colour: s.colours.dim,
      font: s.colours.font,
    });
    return;
  }
  line(context, [[box.left, spot[1]], spot, [spot[0], box.bottom]], {
    colour: faint(s.colours.primary, 0.6),
    dash: [3, 3],
  });
  point(s, context, ...spot);
}

// The threshold whose point on the curve is nearest to the pointer.
export function nearestOn(view, x, y) {
  let best = Infinity;
  let found = null;
  for (const [px, py, threshold] of view.points) {
    const away = (px - x) ** 2 + (py - y) ** 2;
    if (away < best) {
      best = away;
      found = threshold;
    }
  }
  return found;
}
