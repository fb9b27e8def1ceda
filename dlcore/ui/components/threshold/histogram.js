// Histogram of scores: negatives upwards, positives downwards.

import { clamp, scaleOf } from "./axes.js";
import { faint, GREEN, line, pen, RED } from "./canvas.js";
import { putHandle } from "./dom.js";
import { round } from "./format.js";
import { acrossScale, bar, bottomAxis, plotBox } from "./plot_area.js";

const BINS = 56;

function binsOf(s) {
  const scale = scaleOf(s.axis.log, s.axis.low, s.axis.high, 0, BINS);
  const up = new Float64Array(BINS);
  const down = new Float64Array(BINS);
  for (let i = s.scope.start; i < s.scope.stop; i++) {
    const bin = clamp(Math.floor(scale.at(s.scores[i])), 0, BINS - 1);
    if (s.table.labels?.[i]) down[bin]++;
    else up[bin]++;
  }
  return { up, down };
}

// Ordinary points upwards, labelled ones downwards: with the bar across, the four counts are the four corners.
export function drawHistogramStill(s, view) {
  const context = pen(view, "still");
  const box = plotBox(view);
  const scale = acrossScale(s, view);
  const { up, down } = binsOf(s);
  view.scale = scale;
  const size = s.hasTime ? Math.log1p : Math.sqrt;
  const tallest = [up, down].map((bins) => size(Math.max(1, ...bins)));
  const room = box.bottom - box.top - 4;
  const share = s.labelled ? clamp(tallest[0] / (tallest[0] + tallest[1]), 0.42, 0.62) : 1;
  view.middle = box.top + room * share;
  bottomAxis(s, view, context, scale, `${s.data.score}, ${s.hasTime ? "log" : "root"} heights`);
  const wide = (box.right - box.left) / BINS;
  const heights = [room * share - 16, room * (1 - share) - 16];
  view.bars = [new Path2D(), new Path2D()];
  for (let bin = 0; bin < BINS; bin++) {
    const x = box.left + bin * wide + 0.5;
    const tall = (size(up[bin]) / tallest[0]) * heights[0];
    const deep = (size(down[bin]) / tallest[1]) * heights[1];
    if (up[bin]) view.bars[0].rect(x, view.middle - Math.max(1, tall), wide - 1, Math.max(1, tall));
    if (down[bin]) view.bars[1].rect(x, view.middle + 1, wide - 1, Math.max(1, deep));
  }
  line(
    context,
    [
      [box.left, view.middle + 0.5],
      [box.right, view.middle + 0.5],
    ],
    { colour: s.colours.dim },
  );
  for (const ghost of s.ghosts)
    if (ghost.value > s.axis.low && ghost.value < s.axis.high) {
      const x = scale.at(ghost.value);
      line(
        context,
        [
          [x, box.top],
          [x, box.bottom],
        ],
        { colour: faint(s.colours.text, 0.3), dash: ghost.seen ? [2, 4] : [7, 5] },
      );
    }
}

export function drawHistogramMoving(s, view) {
  const context = pen(view, "moving");
  const box = plotBox(view);
  const x = clamp(view.scale.at(s.t), box.left, box.right);
  for (const [from, to, strength] of [
    [0, x, 0.42],
    [x, view.width, 1],
  ]) {
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, view.height);
    context.clip();
    context.fillStyle = strength < 1 ? faint(s.colours.text, 0.3) : RED;
    context.fill(view.bars[0]);
    context.fillStyle = faint(GREEN, strength);
    context.fill(view.bars[1]);
    context.restore();
  }
  bar(s, view, context, x);
  const corners = view.box.querySelectorAll(".dlt-corner");
  const texts = ["tn", "fp", "fn", "tp"].map((name) => `${name.toUpperCase()} ${round(s.counts[name])}`);
  corners.forEach((corner, i) => {
    if (corner.textContent !== texts[i]) corner.textContent = texts[i];
  });
  if (!s.hasTime) putHandle(s, x);
}
