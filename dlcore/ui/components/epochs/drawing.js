// Draws the embedding, the confusion matrix and the probabilities of one sample by epoch.

import { formatPercent } from "../shared/numbers.js";
import { PALETTE } from "../shared/palette.js";
import { drawLine, drawText, withAlpha } from "../threshold/canvas.js";

const COLORS = [...PALETTE, "#8C564B", "#A3A500", "#7B4EA3", "#8A8F98"];
const NAMED = 12; // classes with a name on the embedding, and with numbers in the matrix
const EDGE = 18;
const GREEN = PALETTE[2];
const RED = PALETTE[1];

const colorOf = (k) => COLORS[k % COLORS.length];

// A canvas at the size of its box; returns its context in CSS pixels, and the size.
function openCanvas(canvas) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const size = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

export function toPixels(s, i) {
  const { width, height } = s.size;
  const [left, right, bottom, top] = s.bounds;
  const scale = Math.min((width - 2 * EDGE) / (right - left || 1), (height - 2 * EDGE) / (top - bottom || 1));
  const x = width / 2 + (s.places[2 * i] - (left + right) / 2) * scale;
  return [x, height / 2 - (s.places[2 * i + 1] - (bottom + top) / 2) * scale];
}

export function drawMap(s) {
  const { context, width, height } = openCanvas(s.canvas("map"));
  s.size = { width, height };
  const classOf = s.color === "predicted" ? s.predictedAt : (i) => s.targets[i];
  const dots = Array.from({ length: s.classes }, () => []);
  const faint = [];
  for (let i = 0; i < s.samples; i++) (s.isShown(i) ? dots[classOf(i)] : faint).push(i);
  context.fillStyle = withAlpha(s.colors.text, 0.12);
  for (const i of faint) {
    const [x, y] = toPixels(s, i);
    context.fillRect(x - 1.5, y - 1.5, 3, 3);
  }
  const side = s.samples > 600 ? 4 : 6;
  dots.forEach((members, k) => {
    context.fillStyle = withAlpha(colorOf(k), 0.75);
    context.strokeStyle = colorOf(k);
    context.lineWidth = 1.5;
    context.beginPath();
    for (const i of members) {
      const [x, y] = toPixels(s, i);
      if (s.isCorrect(i)) context.fillRect(x - side / 2, y - side / 2, side, side);
      else {
        context.moveTo(x - side / 2, y - side / 2);
        context.lineTo(x + side / 2, y + side / 2);
        context.moveTo(x + side / 2, y - side / 2);
        context.lineTo(x - side / 2, y + side / 2);
      }
    }
    context.stroke();
  });
  if (s.classes <= NAMED) for (const [k, members] of dots.entries()) nameClass(s, context, members, k);
  ringSample(s, context, s.sample, 7);
  if (s.hovered >= 0) ringSample(s, context, s.hovered, 6);
  if (s.brush) {
    const { x0, y0, x1, y1 } = s.brush;
    context.fillStyle = withAlpha(s.colors.text, 0.08);
    context.strokeStyle = s.colors.text;
    context.lineWidth = 1;
    context.fillRect(x0, y0, x1 - x0, y1 - y0);
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
}

function nameClass(s, context, members, k) {
  if (members.length === 0) return;
  let [x, y] = [0, 0];
  for (const i of members) {
    const [px, py] = toPixels(s, i);
    x += px / members.length;
    y += py / members.length;
  }
  const style = { color: s.colors.text, font: s.colors.font, align: "center", size: 12, weight: 600 };
  drawText(context, s.data.labels[k], x, y, { ...style, halo: s.colors.ground });
}

function ringSample(s, context, i, radius) {
  const [x, y] = toPixels(s, i);
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.strokeStyle = s.colors.text;
  context.lineWidth = 2;
  context.stroke();
}

// Counts (K, K) of the shown samples: rows actual, columns predicted.
export function countCells(s) {
  const counts = new Int32Array(s.classes ** 2);
  for (let i = 0; i < s.samples; i++) if (s.isShown(i)) counts[s.targets[i] * s.classes + s.predictedAt(i)] += 1;
  return counts;
}

export function drawMatrix(s) {
  const canvas = s.canvas("matrix");
  const { context, width, height } = openCanvas(canvas);
  const { classes, colors, counts } = s;
  const isNamed = classes <= NAMED;
  const longest = isNamed ? Math.max(...s.data.labels.map((label) => label.length)) : 0;
  const left = isNamed ? Math.min(92, 14 + 6.5 * longest) : 24;
  const side = Math.min((width - left - 8) / classes, (height - left - 8) / classes);
  s.matrix = { left, top: 4, side };
  for (let a = 0; a < classes; a++) {
    const row = counts.slice(a * classes, (a + 1) * classes);
    const total = row.reduce((sum, count) => sum + count, 0) || 1;
    row.forEach((count, p) => {
      const [x, y] = [left + p * side, 4 + a * side];
      context.fillStyle = colors.raised;
      context.fillRect(x, y, side - 1, side - 1);
      const share = count / total;
      if (count) {
        context.fillStyle = withAlpha(a === p ? PALETTE[0] : RED, 0.12 + 0.78 * share);
        context.fillRect(x, y, side - 1, side - 1);
      }
      if (count && isNamed && side > 18) {
        const ink = share > 0.55 ? "#fff" : colors.text;
        const style = { color: ink, font: colors.font, align: "center", size: side > 30 ? 12 : 10 };
        drawText(context, String(count), x + side / 2, y + side / 2, style);
      }
    });
  }
  const style = { color: colors.text, font: colors.font, size: 11 };
  const bottom = 4 + classes * side;
  if (isNamed)
    s.data.labels.forEach((label, k) => {
      const text = fitText(context, label, left - 8);
      drawText(context, text, left - 6, 4 + (k + 0.5) * side, { ...style, align: "right" });
      context.save();
      context.translate(left + (k + 0.5) * side, bottom + 6);
      context.rotate(-Math.PI / 3);
      drawText(context, text, 0, 0, { ...style, align: "right" });
      context.restore();
    });
  else {
    drawText(context, "predicted →", left, bottom + 12, style);
    drawText(context, "actual →", left, bottom + 28, style);
  }
  let right = 0;
  for (let k = 0; k < classes; k++) right += counts[k * classes + k];
  const total = counts.reduce((sum, count) => sum + count, 0);
  canvas.setAttribute("aria-label", `Confusion matrix; ${right} of ${total} on the diagonal`);
}

function fitText(context, text, width) {
  context.font = "11px sans-serif";
  let cut = text;
  while (cut.length > 2 && context.measureText(cut).width > width) cut = `${cut.slice(0, -2)}…`;
  return cut;
}

// Actual and predicted class of the cell under the pointer; null outside.
export function cellAt(s, event) {
  const box = s.canvas("matrix").getBoundingClientRect();
  const { left, top, side } = s.matrix;
  const p = Math.floor((event.clientX - box.left - left) / side);
  const a = Math.floor((event.clientY - box.top - top) / side);
  return a >= 0 && p >= 0 && a < s.classes && p < s.classes ? [a, p] : null;
}

// Probability of the actual class, and of the class that is predicted instead, by epoch.
export function drawCourse(s) {
  const canvas = s.canvas("course");
  const { context, width, height } = openCanvas(canvas);
  const [left, right, top, bottom] = [34, 8, 8, 46];
  const x = (e) => left + ((width - left - right) * e) / Math.max(1, s.epochs - 1);
  const y = (share) => top + (height - top - bottom) * (1 - share);
  const style = { color: s.colors.text, font: s.colors.font };
  for (const share of [0, 0.5, 1]) {
    drawLine(
      context,
      [
        [left, y(share)],
        [width - right, y(share)],
      ],
      { color: s.colors.line },
    );
    drawText(context, `${100 * share} %`, left - 4, y(share), { ...style, align: "right", size: 10 });
  }
  drawLine(
    context,
    [
      [x(s.target), top],
      [x(s.target), height - bottom],
    ],
    { color: s.colors.text, dash: [2, 3] },
  );
  const { epochs, labels } = s.data;
  drawText(context, `epoch ${epochs[0]}`, left, height - bottom + 9, { ...style, size: 10 });
  const last = { ...style, size: 10, align: "right" };
  drawText(context, String(epochs[s.epochs - 1]), width - right, height - bottom + 9, last);
  const actual = s.targets[s.sample];
  const predicted = s.predictedAt(s.sample);
  const line = (k, color, dash) => {
    const points = Array.from({ length: s.epochs }, (_, e) => [x(e), y(s.probability(e, s.sample, k))]);
    drawLine(context, points, { color, width: 2, dash });
  };
  if (predicted !== actual) line(predicted, RED, [5, 3]);
  line(actual, GREEN, []);
  const share = (k) => `${labels[k]} ${formatPercent(s.probability(s.target, s.sample, k))}`;
  const names =
    predicted === actual ? [`━ ${share(actual)}`] : [`━ ${share(actual)} (actual)`, `╍ ${share(predicted)}`];
  for (const [row, name] of names.entries())
    drawText(context, name, left, height - 22 + 14 * row, { ...style, size: 11 });
  canvas.setAttribute("aria-label", `Probability by epoch; now ${names.join(", ").replace(/[━╍] /g, "")}`);
}
