export const GREEN = "#009E73",
  RED = "#D55E00",
  PURPLE = "#CC79A7",
  SKY = "#56B4E9"; // of shared/palette.js

const GRAY = "#8A8F98"; // as in dlcore/plots/palette.py

export const KIND_COLORS = { correct: GREEN, false: RED, plausible: PURPLE, unlabeled: RED, excluded: GRAY };

export const KIND_SYMBOLS = { correct: "●", false: "✕", plausible: "◆", unlabeled: "▼", excluded: "△" };

// Two stacked canvases: static content, and content that moves with the threshold.
export function findLayers(box) {
  const [still, moving] = box.querySelectorAll("canvas");
  return { box, still, moving, width: 0, height: 0 };
}

export function fitCanvases(layers) {
  const width = layers.box.clientWidth;
  const height = layers.box.clientHeight;
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  for (const canvas of [layers.still, layers.moving]) {
    if (canvas.width === Math.round(width * ratio) && canvas.height === Math.round(height * ratio)) continue;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  Object.assign(layers, { width, height, sharp: ratio });
}

export function clearLayer(layers, name) {
  const context = layers[name].getContext("2d");
  context.setTransform(layers.sharp, 0, 0, layers.sharp, 0, 0);
  context.clearRect(0, 0, layers.width, layers.height);
  return context;
}

export function drawText(
  context,
  text,
  x,
  y,
  { color, font, align = "left", size = 11, weight = 400, base: baseline = "middle", halo = "" },
) {
  context.font = `${weight} ${size}px ${font}`;
  context.textAlign = align;
  context.textBaseline = baseline;
  if (halo) {
    context.strokeStyle = halo;
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeText(text, x, y);
  }
  context.fillStyle = color;
  context.fillText(text, x, y);
}

export function drawLine(context, points, { color, width = 1, dash = [] }) {
  context.beginPath();
  for (let i = 0; i < points.length; i++) context[i ? "lineTo" : "moveTo"](points[i][0], points[i][1]);
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

// A marker; shape and color carry the same information.
export function drawMarker(context, kind, x, y, size) {
  context.beginPath();
  if (kind === "correct") context.arc(x, y, size, 0, 7);
  else if (kind === "plausible") {
    context.moveTo(x, y - size * 1.3);
    context.lineTo(x + size * 1.3, y);
    context.lineTo(x, y + size * 1.3);
    context.lineTo(x - size * 1.3, y);
    context.closePath();
  } else if (kind === "excluded") {
    context.moveTo(x, y - size);
    context.lineTo(x + size, y + size * 0.8);
    context.lineTo(x - size, y + size * 0.8);
    context.closePath();
  } else if (kind === "unlabeled") {
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y - size);
    context.lineTo(x, y + size);
    context.closePath();
  } else {
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x + size, y - size);
    context.lineTo(x - size, y + size);
  }
  if (kind === "false" || kind === "excluded") {
    context.lineWidth = kind === "excluded" ? 1.4 : 2;
    context.strokeStyle = KIND_COLORS[kind];
    context.stroke();
  } else {
    context.fillStyle = KIND_COLORS[kind];
    context.fill();
  }
}

const parsedColors = new Map();
const probe = document.createElement("canvas").getContext("2d");

// Adds an alpha channel to any CSS color.
export function withAlpha(color, share) {
  if (!parsedColors.has(color)) {
    probe.fillStyle = color;
    const hex = probe.fillStyle;
    parsedColors.set(
      color,
      hex.startsWith("#")
        ? [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))
        : hex.match(/[\d.]+/g).slice(0, 3),
    );
  }
  return `rgba(${parsedColors.get(color).join(",")},${share})`;
}
