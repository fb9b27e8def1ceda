// Dense matrices of 64-bit floats.

export const zeros = (rows, cols) => ({ rows, cols, data: new Float64Array(rows * cols) });

export const cell = (m, r, c) => m.data[r * m.cols + c];

export function fromFunction(rows, cols, valueAt) {
  const m = zeros(rows, cols);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) m.data[r * cols + c] = valueAt(r, c);
  return m;
}

export const multiply = (a, b, bias) =>
  fromFunction(a.rows, b.cols, (r, c) => {
    let sum = bias ? bias.data[c] : 0;
    for (let i = 0; i < a.cols; i++) sum += cell(a, r, i) * cell(b, i, c);
    return sum;
  });
