// Canvas charts of an unrolled recurrent network: chain of steps, inputs and states, gradient norms.

import { maxAbs } from "../shared/cells.js";

function resizeCanvas(canvas, height) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth || 600;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return [context, width];
}

function frameStep(context, state, width, height, colors) {
  const column = width / state.T;
  context.strokeStyle = colors.text;
  context.lineWidth = 1.5;
  context.strokeRect((state.t - 1) * column + 0.75, 0.75, Math.max(2, column - 1.5), height - 1.5);
}

export function drawGrid(canvas, state, values, rows, height, colors, row = -1) {
  const [context, width] = resizeCanvas(canvas, height);
  const column = width / state.T;
  const rowHeight = height / rows;
  const max = maxAbs(values) || 1;
  context.fillStyle = colors.raised;
  context.fillRect(0, 0, width, height);
  for (let t = 0; t < state.T; t++)
    for (let d = 0; d < rows; d++) {
      const value = values[t * rows + d];
      const share = Math.min(1, Math.abs(value) / max);
      if (share < 0.01) continue;
      context.fillStyle = value > 0 ? `rgba(213,94,0,${share})` : `rgba(0,114,178,${share})`;
      context.fillRect(t * column, d * rowHeight, column + 0.5, rowHeight + 0.5);
    }
  frameStep(context, state, width, height, colors);
  if (row >= 0) {
    context.lineWidth = 2.5;
    context.strokeRect((state.t - 1) * column, row * rowHeight - 1, Math.max(4, column), Math.max(4, rowHeight + 2));
  }
}

export function drawChain(canvas, state, colors) {
  const height = 56;
  const [context, width] = resizeCanvas(canvas, height);
  const column = width / state.T;
  const radius = Math.min(13, column * 0.34);
  context.strokeStyle = context.fillStyle = colors.text;
  context.lineWidth = 1.2;
  context.font = `11px ${colors.font}`;
  context.textAlign = "center";
  for (let t = 1; t <= state.T; t++) {
    const x = (t - 0.5) * column;
    const y = 18;
    context.globalAlpha = t <= state.t ? 1 : 0.4;
    context.beginPath();
    context.arc(x, y, Math.max(1.5, radius), 0, 7);
    context.fillStyle = t === state.t ? "#0072B2" : colors.raised;
    context.fill();
    context.stroke();
    context.beginPath();
    context.moveTo(x, 46);
    context.lineTo(x, y + radius + 1);
    context.stroke(); // its input comes from below
    if (t < state.T) {
      const from = x + radius;
      const to = x + column - radius;
      context.beginPath();
      context.moveTo(from, y);
      context.lineTo(to, y);
      if (to - from > 5) {
        context.lineTo(to - 4, y - 3);
        context.moveTo(to, y);
        context.lineTo(to - 4, y + 3);
      }
      context.stroke();
    }
    context.fillStyle = t === state.t ? "#ffffff" : colors.text;
    if (radius >= 11) context.fillText(String(t), x, y + 4);
  }
  context.globalAlpha = 1;
}

export function drawLengths(canvas, state, colors) {
  const height = 72;
  const [context, width] = resizeCanvas(canvas, height);
  const column = width / state.T;
  const logs = state.lengths.map((value) => Math.log10(Math.max(value, 1e-30)));
  const top = Math.ceil(Math.max(...logs));
  const low = Math.min(top - 2, Math.floor(Math.min(...logs)));
  context.fillStyle = colors.raised;
  context.fillRect(0, 0, width, height);
  context.font = `11px ${colors.font}`;
  context.textAlign = "left";
  const stride = Math.max(1, Math.ceil((top - low) / 4));
  for (let power = low; power <= top; power += stride) {
    const y = 4 + ((height - 8) * (top - power)) / (top - low);
    context.strokeStyle = colors.line;
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
  }
  logs.forEach((value, i) => {
    const y = 4 + ((height - 8) * (top - value)) / (top - low);
    context.fillStyle = i + 1 === state.t ? "#D55E00" : "#0072B2";
    context.fillRect(i * column + 0.5, y, Math.max(1, column - 1), height - y);
  });
  state.scale = [low, top];
}
