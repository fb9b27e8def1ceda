// Cost at each threshold, precision-recall curve and ROC curve.

import { clamp, createScale } from "./axes.js";
import { clearLayer, drawLine, drawText, withAlpha } from "./canvas.js";
import { countAt } from "./counts.js";
import {
  drawPoint,
  drawReferences,
  drawThresholdBar,
  drawXAxis,
  drawYAxis,
  plotArea,
  scoreScale,
} from "./plot_area.js";
import { indexAt } from "./sweep.js";

// Cost by threshold; grayed out below the threshold with the most bursts, where alarms only merge.
export function drawCostStill(s, view) {
  const context = clearLayer(view, "still");
  const box = plotArea(view);
  const scale = scoreScale(s, view);
  const { thresholds } = s.sweep;
  view.scale = scale;
  let max = 1;
  for (let k = s.usefulStart; k < thresholds.length; k++) if (s.costs[k] > max) max = s.costs[k];
  view.up = createScale(false, 0, max * 1.08, box.bottom, box.top);
  drawXAxis(s, view, context, scale, s.data.score_name);
  drawYAxis(s, view, context, view.up);
  const points = [];
  for (let k = 0; k < thresholds.length; k++) {
    const from = clamp(scale.at(thresholds[k]), box.left, box.right);
    const to = k + 1 < thresholds.length ? scale.at(thresholds[k + 1]) : box.right;
    if (to < box.left) continue;
    const y = Math.max(box.top, view.up.at(s.costs[k]));
    const previous = points[points.length - 1];
    if (previous && Math.abs(previous[0] - from) < 0.4 && Math.abs(previous[1] - y) < 0.4) continue;
    points.push([from, y], [clamp(to, box.left, box.right), y]);
  }
  drawLine(context, points, { color: withAlpha(s.colors.text, 0.6), width: 1.5 });
  const usefulX = clamp(scale.at(thresholds[s.usefulStart]), box.left, box.right);
  if (s.usefulStart) {
    context.fillStyle = withAlpha(s.colors.ground, 0.7);
    context.fillRect(box.left, box.top, usefulX - box.left, box.bottom - box.top);
  }
  drawReferences(
    s,
    context,
    (reference) => [scale.at(reference.value), view.up.at(s.costs[indexAt(s.sweep, s.table, reference.value)])],
    box,
  );
}

export function drawCostMoving(s, view) {
  const context = clearLayer(view, "moving");
  const box = plotArea(view);
  const x = clamp(view.scale.at(s.t), box.left, box.right);
  drawThresholdBar(s, view, context, x);
  drawPoint(s, context, x, clamp(view.up.at(s.costs[indexAt(s.sweep, s.table, s.t)]), box.top, box.bottom));
}

function unitScales(view) {
  const box = plotArea(view);
  return [createScale(false, 0, 1, box.left, box.right), createScale(false, 0, 1, box.bottom, box.top)];
}

// Points of a curve at every threshold, [x, y, threshold], without those closer than 0.6 pixels.
function curvePoints(s, view, coordinates) {
  const [xScale, yScale] = unitScales(view);
  const { sweep, table } = s;
  const points = [];
  for (let k = sweep.thresholds.length - 1; k >= 0; k--) {
    const point = coordinates(sweep.tp[k], sweep.fp[k], table);
    if (!point) continue;
    const x = xScale.at(point[0]);
    const y = yScale.at(point[1]);
    const previous = points[points.length - 1];
    if (previous && k && Math.hypot(previous[0] - x, previous[1] - y) < 0.6) continue;
    points.push([x, y, sweep.thresholds[k]]);
  }
  return points;
}

const COORDINATES = {
  pr: (tp, fp, table) => (tp + fp ? [tp / table.positives, tp / (tp + fp)] : null),
  roc: (tp, fp, table) => [fp / table.negatives, tp / table.positives],
};

export function drawCurveStill(s, view) {
  const context = clearLayer(view, "still");
  const box = plotArea(view);
  const [xScale, yScale] = unitScales(view);
  const coordinates = COORDINATES[view.name];
  const chance = s.table.positives / (s.table.positives + s.table.negatives);
  drawXAxis(s, view, context, xScale, view.name === "pr" ? "Recall" : "False positive rate");
  drawYAxis(s, view, context, yScale);
  view.points = curvePoints(s, view, coordinates);
  drawLine(
    context,
    view.name === "pr"
      ? [
          [box.left, yScale.at(chance)],
          [box.right, yScale.at(chance)],
        ]
      : [
          [box.left, box.bottom],
          [box.right, box.top],
        ],
    { color: s.colors.dim, dash: [2, 4] },
  );
  if (view.points.length) {
    context.beginPath();
    context.moveTo(view.points[0][0], box.bottom);
    for (const [x, y] of view.points) context.lineTo(x, y);
    context.lineTo(view.points[view.points.length - 1][0], box.bottom);
    context.fillStyle = withAlpha(s.colors.text, 0.07);
    context.fill();
    drawLine(context, view.points, { color: withAlpha(s.colors.text, 0.6), width: 1.75 });
  }
  drawReferences(s, context, (reference) => pointAt(s, view, reference.value), box);
}

function pointAt(s, view, threshold) {
  const [xScale, yScale] = unitScales(view);
  const { tp, fp } = countAt(s.table, threshold);
  const point = COORDINATES[view.name](tp, fp, s.table);
  return point && [xScale.at(point[0]), yScale.at(point[1])];
}

export function drawCurveMoving(s, view) {
  const context = clearLayer(view, "moving");
  const box = plotArea(view);
  const point = pointAt(s, view, s.t);
  if (!point) {
    drawText(context, "no alarm at this threshold", box.left + 8, box.bottom - 10, {
      color: s.colors.dim,
      font: s.colors.font,
    });
    return;
  }
  drawLine(context, [[box.left, point[1]], point, [point[0], box.bottom]], {
    color: withAlpha(s.colors.primary, 0.6),
    dash: [3, 3],
  });
  drawPoint(s, context, ...point);
}

// The threshold of the curve point nearest to the pointer.
export function nearestThreshold(view, x, y) {
  let best = Infinity;
  let nearest = null;
  for (const [px, py, threshold] of view.points) {
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < best) {
      best = distance;
      nearest = threshold;
    }
  }
  return nearest;
}
