// Dense matrices of 64-bit floats.

export const matrix = (rows, cols) => ({ rows, cols, data: new Float64Array(rows * cols) });

export const cell = (m, r, c) => m.data[r * m.cols + c];

export function filled(rows, cols, make) {
  const m = matrix(rows, cols);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) m.data[r * cols + c] = make(r, c);
  return m;
}

export const times = (a, b, bias) =>
  filled(a.rows, b.cols, (r, c) => {
    let sum = bias ? bias.data[c] : 0;
    for (let i = 0; i < a.cols; i++) sum += cell(a, r, i) * cell(b, i, c);
    return sum;
  });
