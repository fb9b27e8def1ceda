
// The views without time: how scores are spread, what a threshold costs, precision against recall, ROC.

const EDGE = { left: 44, right: 12, top: 10, bottom: 38 };
const BINS = 56;

function plotBox(view) {
  return { left: EDGE.left, right: view.width - EDGE.right, top: EDGE.top, bottom: view.height - EDGE.bottom };
}

function acrossScale(s, view) {
  const box = plotBox(view);
  return scaleOf(s.axis.log, s.axis.low, s.axis.high, box.left, box.right);
}

function bottomAxis(s, view, context, scale, title) {
  const box = plotBox(view), { colours } = s;
  for (const tick of ticksOf(scale, Math.max(2, (box.right - box.left) / 62))) {
    const x = scale.at(tick);
    line(context, [[x, box.top], [x, box.bottom]], { colour: colours.line });
    write(context, tickText(tick), x, box.bottom + 11, { colour: colours.dim, font: colours.font, align: "center" });
  }
  write(context, title, (box.left + box.right) / 2, box.bottom + 28, { colour: colours.dim, font: colours.font, align: "center" });
}

function sideAxis(s, view, context, scale, most = 4) {
  const box = plotBox(view), { colours } = s;
  for (const tick of ticksOf(scale, most)) {
    const y = scale.at(tick);
    line(context, [[box.left, y], [box.right, y]], { colour: colours.line });
    write(context, tickText(tick), box.left - 6, y, { colour: colours.dim, font: colours.font, align: "right" });
  }
}

function binsOf(s) {
  const scale = scaleOf(s.axis.log, s.axis.low, s.axis.high, 0, BINS), up = new Float64Array(BINS), down = new Float64Array(BINS);
  for (let i = s.scope.start; i < s.scope.stop; i++) {
    const bin = clamp(Math.floor(scale.at(s.scores[i])), 0, BINS - 1);
    if (s.table.labels?.[i]) down[bin]++; else up[bin]++;
  }
  return { up, down };
}

// Ordinary points upwards, labelled ones downwards: with the bar across, the four counts are the four corners.
function drawHistogramStill(s, view) {
  const context = pen(view, "still"), box = plotBox(view), scale = (view.scale = acrossScale(s, view)), { up, down } = binsOf(s);
  const size = s.hasTime ? Math.log1p : Math.sqrt, tallest = [up, down].map((bins) => size(Math.max(1, ...bins)));
  const room = box.bottom - box.top - 4, share = s.labelled ? clamp(tallest[0] / (tallest[0] + tallest[1]), 0.42, 0.62) : 1;
  view.middle = box.top + room * share;
  bottomAxis(s, view, context, scale, `${s.data.score}, ${s.hasTime ? "log" : "root"} heights`);
  const wide = (box.right - box.left) / BINS, heights = [room * share - 16, room * (1 - share) - 16];
  view.bars = [new Path2D(), new Path2D()];
  for (let bin = 0; bin < BINS; bin++) {
    const x = box.left + bin * wide + 0.5, tall = (size(up[bin]) / tallest[0]) * heights[0], deep = (size(down[bin]) / tallest[1]) * heights[1];
    if (up[bin]) view.bars[0].rect(x, view.middle - Math.max(1, tall), wide - 1, Math.max(1, tall));
    if (down[bin]) view.bars[1].rect(x, view.middle + 1, wide - 1, Math.max(1, deep));
  }
  line(context, [[box.left, view.middle + 0.5], [box.right, view.middle + 0.5]], { colour: s.colours.dim });
  for (const ghost of s.ghosts) if (ghost.value > s.axis.low && ghost.value < s.axis.high) {
    const x = scale.at(ghost.value);
    line(context, [[x, box.top], [x, box.bottom]], { colour: faint(s.colours.text, 0.3), dash: ghost.seen ? [2, 4] : [7, 5] });
  }
}

function drawHistogramMoving(s, view) {
  const context = pen(view, "moving"), box = plotBox(view), x = clamp(view.scale.at(s.t), box.left, box.right);
  for (const [from, to, strength] of [[0, x, 0.42], [x, view.width, 1]]) {
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
  const corners = view.box.querySelectorAll(".dlt-corner"), texts = ["tn", "fp", "fn", "tp"].map((name) => `${name.toUpperCase()} ${round(s.counts[name])}`);
  corners.forEach((corner, i) => { if (corner.textContent !== texts[i]) corner.textContent = texts[i]; });
  if (!s.hasTime) putHandle(s, view, x);
}

function bar(s, view, context, x) {
  const box = plotBox(view);
  line(context, [[x, box.top], [x, box.bottom]], { colour: s.colours.primary, width: 2 });
  context.beginPath();
  context.roundRect(x - 4, box.bottom - 8, 8, 16, 4);
  context.fillStyle = s.colours.primary;
  context.fill();
}

// The cost where a threshold is of use; where alarms only grow together the curve is veiled.
function drawCostStill(s, view) {
  const context = pen(view, "still"), box = plotBox(view), scale = (view.scale = acrossScale(s, view)), { thresholds } = s.sweep;
  let most = 1;
  for (let k = s.useful; k < thresholds.length; k++) if (s.costs[k] > most) most = s.costs[k];
  view.up = scaleOf(false, 0, most * 1.08, box.bottom, box.top);
  bottomAxis(s, view, context, scale, s.data.score);
  sideAxis(s, view, context, view.up);
  const points = [];
  for (let k = 0; k < thresholds.length; k++) {
    const from = clamp(scale.at(thresholds[k]), box.left, box.right), to = k + 1 < thresholds.length ? scale.at(thresholds[k + 1]) : box.right;
    if (to < box.left) continue;
    const y = Math.max(box.top, view.up.at(s.costs[k])), last = points[points.length - 1];
    if (last && Math.abs(last[0] - from) < 0.4 && Math.abs(last[1] - y) < 0.4) continue;
    points.push([from, y], [clamp(to, box.left, box.right), y]);
  }
  line(context, points, { colour: faint(s.colours.text, 0.6), width: 1.5 });
  const veil = clamp(scale.at(thresholds[s.useful]), box.left, box.right);
  if (s.useful) { context.fillStyle = faint(s.colours.ground, 0.7); context.fillRect(box.left, box.top, veil - box.left, box.bottom - box.top); }
  ghostsOn(s, context, (ghost) => [scale.at(ghost.value), view.up.at(s.costs[placeOf(s.sweep, s.table, ghost.value)])], box);
}

function drawCostMoving(s, view) {
  const context = pen(view, "moving"), box = plotBox(view), x = clamp(view.scale.at(s.t), box.left, box.right);
  bar(s, view, context, x);
  point(s, context, x, clamp(view.up.at(s.costs[placeOf(s.sweep, s.table, s.t)]), box.top, box.bottom));
}

function unitScales(view) {
  const box = plotBox(view);
  return [scaleOf(false, 0, 1, box.left, box.right), scaleOf(false, 0, 1, box.bottom, box.top)];
}

// Points of a curve at every threshold, thinned to those that the eye can tell apart: [x, y, threshold].
function curvePoints(s, view, at) {
  const [across, up] = unitScales(view), { sweep, table } = s, points = [];
  for (let k = sweep.thresholds.length - 1; k >= 0; k--) {
    const spot = at(sweep.tp[k], sweep.fp[k], table);
    if (!spot) continue;
    const x = across.at(spot[0]), y = up.at(spot[1]), last = points[points.length - 1];
    if (last && k && Math.hypot(last[0] - x, last[1] - y) < 0.6) continue;
    points.push([x, y, sweep.thresholds[k]]);
  }
  return points;
}

const ON_CURVE = {
  pr: (tp, fp, table) => (tp + fp ? [tp / table.positives, tp / (tp + fp)] : null),
  roc: (tp, fp, table) => [fp / table.negatives, tp / table.positives],
};

function drawCurveStill(s, view) {
  const context = pen(view, "still"), box = plotBox(view), [across, up] = unitScales(view), at = ON_CURVE[view.name];
  const chance = s.table.positives / (s.table.positives + s.table.negatives);
  bottomAxis(s, view, context, across, view.name === "pr" ? `Recall: share of ${s.data.words.positives}` : `False alarms: share of ${s.data.words.negatives}`);
  sideAxis(s, view, context, up);
  view.points = curvePoints(s, view, at);
  line(context, view.name === "pr" ? [[box.left, up.at(chance)], [box.right, up.at(chance)]] : [[box.left, box.bottom], [box.right, box.top]], { colour: s.colours.dim, dash: [2, 4] });
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
  const [across, up] = unitScales(view), { tp, fp } = countsAt(s.table, threshold), spot = ON_CURVE[view.name](tp, fp, s.table);
  return spot && [across.at(spot[0]), up.at(spot[1])];
}

function drawCurveMoving(s, view) {
  const context = pen(view, "moving"), box = plotBox(view), spot = spotAt(s, view, s.t);
  if (!spot) { write(context, "no alarm at this threshold", box.left + 8, box.bottom - 10, { colour: s.colours.dim, font: s.colours.font }); return; }
  line(context, [[box.left, spot[1]], spot, [spot[0], box.bottom]], { colour: faint(s.colours.primary, 0.6), dash: [3, 3] });
  point(s, context, ...spot);
}

function point(s, context, x, y) {
  context.beginPath();
  context.arc(x, y, 6.5, 0, 7);
  context.fillStyle = s.colours.primary;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = s.colours.ground;
  context.stroke();
}

function ghostsOn(s, context, at, box) {
  for (const ghost of s.ghosts) {
    const spot = at(ghost);
    if (!spot || spot[0] < box.left - 1 || spot[0] > box.right + 1 || spot[1] < box.top - 1) continue;
    const [x, y] = spot;
    line(context, [[x, y - 5], [x + 5, y], [x, y + 5], [x - 5, y], [x, y - 5]], { colour: faint(s.colours.text, 0.55), width: 1.3 });
  }
}

// The threshold whose point on the curve is nearest to the pointer.
function nearestOn(view, x, y) {
  let best = Infinity, found = null;
  for (const [px, py, threshold] of view.points) {
    const away = (px - x) ** 2 + (py - y) ** 2;
    if (away < best) { best = away; found = threshold; }
  }
  return found;
}
