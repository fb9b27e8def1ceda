// Draws an array as a grid of colored cells; finds the cell at a pointer or next to another.

// Where cell i of an array of that shape is drawn: (n) wraps into rows, (H, W) as it is, (C, H, W) channel by channel.
function gridOf(shape) {
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
      const rest = i % (height * width);
      return [
        (channel % across) * (width + gap) + (rest % width),
        Math.floor(channel / across) * (height + gap) + Math.floor(rest / width),
      ];
    },
  };
}

export function largest(values) {
  let most = 0;
  for (const value of values) if (Number.isFinite(value) && Math.abs(value) > most) most = Math.abs(value);
  return most;
}

// Vermillion above 0, blue below, the ground at 0; the chosen cell framed. Gives what is needed to find a cell again.
export function drawCells(canvas, values, shape, chosen, colours, room = 336) {
  const grid = gridOf(shape);
  const ratio = window.devicePixelRatio || 1;
  const side = Math.max(3, Math.min(34, Math.floor(room / grid.columns)));
  canvas.width = grid.columns * side * ratio;
  canvas.height = grid.rows * side * ratio;
  canvas.style.width = `${grid.columns * side}px`;
  canvas.style.height = `${grid.rows * side}px`;
  const context = canvas.getContext("2d");
  const most = largest(values) || 1;
  const edge = side > 5 ? 1 : 0;
  context.scale(ratio, ratio);
  for (let i = 0; i < grid.count; i++) {
    const [x, y] = grid.place(i);
    const value = values[i];
    const share = Math.min(1, Math.abs(value) / most);
    context.fillStyle = colours.raised;
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
  context.strokeStyle = colours.text;
  context.strokeRect(x * side - 0.5, y * side - 0.5, side, side);
  return { grid, side };
}

export function cellAt(drawn, event) {
  const column = Math.floor(event.offsetX / drawn.side);
  const row = Math.floor(event.offsetY / drawn.side);
  for (let i = 0; i < drawn.grid.count; i++) {
    const [x, y] = drawn.grid.place(i);
    if (x === column && y === row) return i;
  }
  return -1;
}

export function cellBeside(drawn, chosen, key) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const [x, y] = drawn.grid.place(chosen);
  for (let step = 1; step <= 2; step++) {
    for (let i = 0; i < drawn.grid.count; i++) {
      const [a, b] = drawn.grid.place(i);
      if (a === x + step * dx && b === y + step * dy) return i;
    }
  }
  return chosen;
}
