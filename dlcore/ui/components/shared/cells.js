// Draws an array as a grid of colored cells; finds the cell at a pointer or next to another.

// Position of cell i of an array: (n) wraps into rows, (H, W) unchanged, (C, H, W) as a grid of channels.
function gridLayout(shape) {
  if (shape.length === 1) {
    const n = shape[0];
    const columns = n <= 16 ? n : Math.ceil(Math.sqrt(n));
    return { columns, rows: Math.ceil(n / columns), place: (i) => [i % columns, Math.floor(i / columns)], count: n };
  }
  const [channels, height, width] = shape.length === 2 ? [1, ...shape] : shape;
  const across = Math.ceil(Math.sqrt(channels));
  const down = Math.ceil(channels / across);
  const gap = channels > 1 ? 1 : 0;
  return {
    columns: across * (width + gap) - gap,
    rows: down * (height + gap) - gap,
    count: channels * height * width,
    place: (i) => {
      const channel = Math.floor(i / (height * width));
      const offset = i % (height * width);
      return [
        (channel % across) * (width + gap) + (offset % width),
        Math.floor(channel / across) * (height + gap) + Math.floor(offset / width),
      ];
    },
  };
}

export function maxAbs(values) {
  let max = 0;
  for (const value of values) if (Number.isFinite(value) && Math.abs(value) > max) max = Math.abs(value);
  return max;
}

// Vermilion above 0, blue below; the selected cell is framed. Returns the layout for `cellAt`.
export function drawCells(canvas, values, shape, chosen, colors, available = 336) {
  const grid = gridLayout(shape);
  const ratio = window.devicePixelRatio || 1;
  const side = Math.max(3, Math.min(34, Math.floor(available / grid.columns)));
  canvas.width = grid.columns * side * ratio;
  canvas.height = grid.rows * side * ratio;
  canvas.style.width = `${grid.columns * side}px`;
  canvas.style.height = `${grid.rows * side}px`;
  const context = canvas.getContext("2d");
  const max = maxAbs(values) || 1;
  const edge = side > 5 ? 1 : 0;
  context.scale(ratio, ratio);
  for (let i = 0; i < grid.count; i++) {
    const [x, y] = grid.place(i);
    const value = values[i];
    const share = Math.min(1, Math.abs(value) / max);
    context.fillStyle = colors.raised;
    context.fillRect(x * side, y * side, side - edge, side - edge);
    if (share > 0) {
      context.fillStyle =
        value > 0 ? `rgba(213,94,0,${0.08 + 0.92 * share})` : `rgba(0,114,178,${0.08 + 0.92 * share})`;
      context.fillRect(x * side, y * side, side - edge, side - edge);
    }
  }
  const [x, y] = grid.place(chosen);
  const line = side > 8 ? 2.5 : 1.5;
  context.lineWidth = line;
  context.strokeStyle = colors.text;
  context.strokeRect(x * side - 0.5, y * side - 0.5, side, side);
  return { grid, side };
}

export function cellAt(drawing, event) {
  const column = Math.floor(event.offsetX / drawing.side);
  const row = Math.floor(event.offsetY / drawing.side);
  for (let i = 0; i < drawing.grid.count; i++) {
    const [x, y] = drawing.grid.place(i);
    if (x === column && y === row) return i;
  }
  return -1;
}

export function neighborCell(drawing, chosen, key) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const [x, y] = drawing.grid.place(chosen);
  for (let step = 1; step <= 2; step++) {
    for (let i = 0; i < drawing.grid.count; i++) {
      const [a, b] = drawing.grid.place(i);
      if (a === x + step * dx && b === y + step * dy) return i;
    }
  }
  return chosen;
}
