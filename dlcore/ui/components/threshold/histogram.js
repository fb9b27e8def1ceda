// Histogram of scores: negatives upwards, positives downwards.

import { clamp, createScale } from "./axes.js";
import { clearLayer, drawLine, GREEN, RED, withAlpha } from "./canvas.js";
import { placeHandle } from "./dom.js";
import { formatCount } from "./format.js";
import { drawThresholdBar, drawXAxis, plotArea, scoreScale } from "./plot_area.js";

const BINS = 56;

function countBins(s) {
  const scale = createScale(s.axis.log, s.axis.low, s.axis.high, 0, BINS);
  const up = new Float64Array(BINS);
  const down = new Float64Array(BINS);
  for (let i = s.scope.start; i < s.scope.stop; i++) {
    const bin = clamp(Math.floor(scale.at(s.scores[i])), 0, BINS - 1);
    if (s.table.labels?.[i]) down[bin]++;
    else up[bin]++;
  }
  return { up, down };
}

// Negatives upwards, positives downwards: the threshold splits them into TN, FP, FN, TP.
export function drawHistogramStill(s, view) {
  const context = clearLayer(view, "still");
  const box = plotArea(view);
  const scale = scoreScale(s, view);
  const { up, down } = countBins(s);
  view.scale = scale;
  const size = s.hasTime ? Math.log1p : Math.sqrt;
  const maxima = [up, down].map((bins) => size(Math.max(1, ...bins)));
  const available = box.bottom - box.top - 4;
  const share = s.isLabeled ? clamp(maxima[0] / (maxima[0] + maxima[1]), 0.42, 0.62) : 1;
  view.middle = box.top + available * share;
  drawXAxis(s, view, context, scale, `${s.data.score_name}, ${s.hasTime ? "log" : "square root"} counts`);
  const width = (box.right - box.left) / BINS;
  const heights = [available * share - 16, available * (1 - share) - 16];
  view.bars = [new Path2D(), new Path2D()];
  for (let bin = 0; bin < BINS; bin++) {
    const x = box.left + bin * width + 0.5;
    const upHeight = (size(up[bin]) / maxima[0]) * heights[0];
    const downHeight = (size(down[bin]) / maxima[1]) * heights[1];
    if (up[bin]) view.bars[0].rect(x, view.middle - Math.max(1, upHeight), width - 1, Math.max(1, upHeight));
    if (down[bin]) view.bars[1].rect(x, view.middle + 1, width - 1, Math.max(1, downHeight));
  }
  drawLine(
    context,
    [
      [box.left, view.middle + 0.5],
      [box.right, view.middle + 0.5],
    ],
    { color: s.colors.dim },
  );
  for (const reference of s.references)
    if (reference.value > s.axis.low && reference.value < s.axis.high) {
      const x = scale.at(reference.value);
      drawLine(
        context,
        [
          [x, box.top],
          [x, box.bottom],
        ],
        { color: withAlpha(s.colors.text, 0.3), dash: reference.usesLabels ? [2, 4] : [7, 5] },
      );
    }
}

export function drawHistogramMoving(s, view) {
  const context = clearLayer(view, "moving");
  const box = plotArea(view);
  const x = clamp(view.scale.at(s.t), box.left, box.right);
  for (const [from, to, strength] of [
    [0, x, 0.42],
    [x, view.width, 1],
  ]) {
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, view.height);
    context.clip();
    context.fillStyle = strength < 1 ? withAlpha(s.colors.text, 0.3) : RED;
    context.fill(view.bars[0]);
    context.fillStyle = withAlpha(GREEN, strength);
    context.fill(view.bars[1]);
    context.restore();
  }
  drawThresholdBar(s, view, context, x);
  const corners = view.box.querySelectorAll(".dlt-corner");
  const texts = ["tn", "fp", "fn", "tp"].map((name) => `${name.toUpperCase()} ${formatCount(s.counts[name])}`);
  corners.forEach((corner, i) => {
    if (corner.textContent !== texts[i]) corner.textContent = texts[i];
  });
  if (!s.hasTime) placeHandle(s, x);
}
