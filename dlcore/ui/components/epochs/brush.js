// The pointer on the embedding: the nearest point is hovered, a click picks it, a drag selects a rectangle.

import { toPixels } from "./drawing.js";

const REACH = 14; // pixels
const CLICK = 5; // pixels: shorter drags are clicks

// The nearest shown sample within reach of a place in pixels; -1 without any.
function findPoint(s, x, y) {
  let nearest = -1;
  let least = REACH ** 2;
  for (let i = 0; i < s.samples; i++) {
    if (!s.isShown(i)) continue;
    const [px, py] = toPixels(s, i);
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) {
      least = distance;
      nearest = i;
    }
  }
  return nearest;
}

function samplesIn(s, { x0, y0, x1, y1 }) {
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)];
  return Uint8Array.from({ length: s.samples }, (_, i) => {
    const [x, y] = toPixels(s, i);
    return x >= left && x <= right && y >= top && y <= bottom;
  });
}

export function listenToMap(s, { hover, pick, brush, redraw }) {
  const canvas = s.canvas("map");
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.onpointerdown = (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    const [x, y] = place(event);
    s.brush = { x0: x, y0: y, x1: x, y1: y };
    hover(-1, [x, y]);
  };
  canvas.onpointermove = (event) => {
    const [x, y] = place(event);
    if (!s.brush) {
      hover(findPoint(s, x, y), [x, y]);
      return;
    }
    Object.assign(s.brush, { x1: x, y1: y });
    cancelAnimationFrame(s.brushFrame);
    s.brushFrame = requestAnimationFrame(redraw);
  };
  canvas.onpointerup = (event) => {
    if (!s.brush) return;
    const { x0, y0, x1, y1 } = s.brush;
    const isDrag = Math.hypot(x1 - x0, y1 - y0) > CLICK;
    const mask = isDrag ? samplesIn(s, s.brush) : null;
    s.brush = null;
    if (isDrag && mask.includes(1)) {
      brush(mask);
      pick(mask.indexOf(1));
      return;
    }
    const nearest = isDrag ? -1 : findPoint(s, ...place(event));
    if (nearest >= 0) pick(nearest);
    else brush(null);
  };
  canvas.onpointercancel = () => {
    s.brush = null;
    redraw();
  };
  canvas.onpointerleave = () => {
    if (!s.brush) hover(-1, [0, 0]);
  };
}
