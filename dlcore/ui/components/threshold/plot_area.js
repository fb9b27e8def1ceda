// Plot area, axes and markers that the views without a time axis share.

import { createScale, findTicks } from "./axes.js";
import { drawLine, drawText, withAlpha } from "./canvas.js";
import { formatTick } from "./format.js";

const MARGIN = { left: 44, right: 12, top: 10, bottom: 38 };

export function plotArea(view) {
  return { left: MARGIN.left, right: view.width - MARGIN.right, top: MARGIN.top, bottom: view.height - MARGIN.bottom };
}

export function scoreScale(s, view) {
  const box = plotArea(view);
  return createScale(s.axis.log, s.axis.low, s.axis.high, box.left, box.right);
}

export function drawXAxis(s, view, context, scale, title) {
  const box = plotArea(view);
  const { colors } = s;
  for (const tick of findTicks(scale, Math.max(2, (box.right - box.left) / 62))) {
    const x = scale.at(tick);
    drawLine(
      context,
      [
        [x, box.top],
        [x, box.bottom],
      ],
      { color: colors.line },
    );
    drawText(context, formatTick(tick), x, box.bottom + 11, { color: colors.dim, font: colors.font, align: "center" });
  }
  drawText(context, title, (box.left + box.right) / 2, box.bottom + 28, {
    color: colors.dim,
    font: colors.font,
    align: "center",
  });
}

export function drawYAxis(s, view, context, scale, limit = 4) {
  const box = plotArea(view);
  const { colors } = s;
  for (const tick of findTicks(scale, limit)) {
    const y = scale.at(tick);
    drawLine(
      context,
      [
        [box.left, y],
        [box.right, y],
      ],
      { color: colors.line },
    );
    drawText(context, formatTick(tick), box.left - 6, y, { color: colors.dim, font: colors.font, align: "right" });
  }
}

export function drawThresholdBar(s, view, context, x) {
  const box = plotArea(view);
  drawLine(
    context,
    [
      [x, box.top],
      [x, box.bottom],
    ],
    { color: s.colors.primary, width: 2 },
  );
  context.beginPath();
  context.roundRect(x - 4, box.bottom - 8, 8, 16, 4);
  context.fillStyle = s.colors.primary;
  context.fill();
}

export function drawPoint(s, context, x, y) {
  context.beginPath();
  context.arc(x, y, 6.5, 0, 7);
  context.fillStyle = s.colors.primary;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = s.colors.ground;
  context.stroke();
}

export function drawReferences(s, context, pointOf, box) {
  for (const reference of s.references) {
    const point = pointOf(reference);
    if (!point || point[0] < box.left - 1 || point[0] > box.right + 1 || point[1] < box.top - 1) continue;
    const [x, y] = point;
    drawLine(
      context,
      [
        [x, y - 5],
        [x + 5, y],
        [x, y + 5],
        [x - 5, y],
        [x, y - 5],
      ],
      { color: withAlpha(s.colors.text, 0.55), width: 1.3 },
    );
  }
}
