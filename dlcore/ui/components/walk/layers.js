// Formulas of each kind of layer for one cell: forward, backward, and for one weight.
// A stage holds x, y, dx, dy as flat arrays with their shapes, and its weights.

import { partial, subscript } from "../shared/formula.js";
import { joinMarkup, markup } from "../shared/markup.js";
import { formatFactor, formatNumber, formatPlain, sumTable } from "../shared/numbers.js";

const index3d = (shape, i) => [
  Math.floor(i / (shape[1] * shape[2])),
  Math.floor(i / shape[2]) % shape[1],
  i % shape[2],
];

const flatIndex = (shape, c, h, w) =>
  h < 0 || w < 0 || h >= shape[1] || w >= shape[2] ? -1 : (c * shape[1] + h) * shape[2] + w;

export const unchanged = (name, value) => markup`<p>${name}: <b>${formatNumber(value)}</b></p>`;

const identity = {
  forward: (s, i) => ({
    formula: markup`${subscript("y", i)} = ${subscript("x", i)}`,
    body: unchanged("unchanged", s.y[i]),
  }),
  back: (s, i) => ({
    formula: markup`${partial(subscript("x", i))} = ${partial(subscript("y", i))}`,
    body: unchanged("unchanged", s.dx[i]),
  }),
};

export const LAYER_FORMULAS = {
  flatten: { ...identity, note: "Concatenates the rows of the image." },
  addchannel: { ...identity, note: "Adds the channel dimension." },
  dropout: { ...identity, note: "Active in training only." },
  dense: {
    note: "Each unit: a weighted sum of all inputs.",
    forward: (s, d) => {
      const F = s.x.length;
      const terms = [];
      for (let f = 0; f < F; f++)
        terms.push({
          name: () => subscript("x", f),
          a: s.x[f],
          b: s.weight[d * F + f],
          product: s.x[f] * s.weight[d * F + f],
        });
      const bias = s.bias ? { name: markup`bias ${subscript("b", d)}`, value: s.bias[d] } : null;
      return {
        formula: markup`${subscript("y", d)} = Σ<sub>f</sub> ${subscript("x", "f")}
          ${subscript("W", d, "f")}${s.bias ? markup` + ${subscript("b", d)}` : ""}`,
        body: sumTable(["from", "x", "W", "x W"], terms, s.y[d], { start: bias }),
      };
    },
    back: (s, f) => {
      const F = s.x.length;
      const terms = [];
      for (let d = 0; d < s.y.length; d++)
        terms.push({
          name: () => subscript("y", d),
          a: s.dy[d],
          b: s.weight[d * F + f],
          product: s.dy[d] * s.weight[d * F + f],
        });
      return {
        formula: markup`${partial(subscript("x", f))} = Σ<sub>d</sub>
          ${partial(subscript("y", "d"))} ${subscript("W", "d", f)}`,
        body: sumTable(["through", "∂L/∂y", "W", "product"], terms, s.dx[f]),
      };
    },
    weight: (s, d, f) => ({
      formula: markup`${partial(subscript("W", d, f))} = ${partial(subscript("y", d))} ${subscript("x", f)}`,
      body: markup`<p>${formatNumber(s.dy[d])} · ${formatFactor(s.x[f])} =
        <b>${formatNumber(s.dy[d] * s.x[f])}</b></p>`,
    }),
  },
  batchnorm: {
    note: "In evaluation mode: running mean m and standard deviation s, then scale γ and shift β.",
    forward: (s, i) => {
      const c = s.shape.length === 1 ? i : index3d(s.shape, i)[0];
      const h = (s.x[i] - s.mean[c]) / s.spread[c];
      return {
        formula: markup`<i>h</i> = (<i>x</i> − <i>m</i>) / <i>s</i>, &nbsp; <i>y</i> = γ <i>h</i> + β`,
        body: markup`<p><i>h</i> = (${formatNumber(s.x[i])} − ${formatFactor(s.mean[c])}) /
          ${formatNumber(s.spread[c])}
          = ${formatNumber(h)}</p><p><i>y</i> = ${formatNumber(s.weight[c])} · ${formatFactor(h)}
          + ${formatFactor(s.bias[c])} = <b>${formatNumber(s.y[i])}</b></p>`,
      };
    },
    back: (s, i) => {
      const c = s.shape.length === 1 ? i : index3d(s.shape, i)[0];
      return {
        formula: markup`${partial(markup`<i>x</i>`)} = ${partial(markup`<i>y</i>`)} γ / <i>s</i>`,
        body: markup`<p>${formatNumber(s.dy[i])} · ${formatFactor(s.weight[c])} / ${formatNumber(s.spread[c])}
          = <b>${formatNumber(s.dx[i])}</b></p>`,
      };
    },
  },
  relu: {
    note: "Negative inputs become 0.",
    forward: (s, i) => ({
      formula: markup`<i>y</i> = max(0, <i>x</i>)`,
      body: markup`<p>max(0, ${formatNumber(s.x[i])}) = <b>${formatNumber(s.y[i])}</b></p>`,
    }),
    back: (s, i) => ({
      formula: markup`${partial(markup`<i>x</i>`)} = ${partial(markup`<i>y</i>`)} · [<i>x</i> &gt; 0]`,
      body: markup`<p>x = ${formatNumber(s.x[i])} is ${s.x[i] > 0 ? "positive: gradient passes" : "not positive: 0"}</p>
        <p>${formatNumber(s.dy[i])} · ${s.x[i] > 0 ? 1 : 0} = <b>${formatNumber(s.dx[i])}</b></p>`,
    }),
  },
  tanh: {
    note: "Range −1 to 1.",
    forward: (s, i) => ({
      formula: markup`<i>y</i> = tanh(<i>x</i>)`,
      body: markup`<p>tanh(${formatNumber(s.x[i])}) = <b>${formatNumber(s.y[i])}</b></p>`,
    }),
    back: (s, i) => ({
      formula: markup`${partial(markup`<i>x</i>`)} = ${partial(markup`<i>y</i>`)} (1 − <i>y</i><sup>2</sup>)`,
      body: markup`<p>${formatNumber(s.dy[i])} · (1 − ${formatFactor(s.y[i])}<sup>2</sup>)
        = <b>${formatNumber(s.dx[i])}</b></p>`,
    }),
  },
  sigmoid: {
    note: "Range 0 to 1; slope at most 1/4.",
    forward: (s, i) => ({
      formula: markup`<i>y</i> = 1 / (1 + <i>e</i><sup>−x</sup>)`,
      body: markup`<p>1 / (1 + <i>e</i><sup>${formatPlain(-s.x[i])}</sup>) = <b>${formatNumber(s.y[i])}</b></p>`,
    }),
    back: (s, i) => ({
      formula: markup`${partial(markup`<i>x</i>`)} = ${partial(markup`<i>y</i>`)} <i>y</i> (1 − <i>y</i>)`,
      body: markup`<p>${formatNumber(s.dy[i])} · ${formatNumber(s.y[i])} · (1 − ${formatNumber(s.y[i])})
        = <b>${formatNumber(s.dx[i])}</b></p>`,
    }),
  },
  convolution: {
    note: "A window slides over the image with the same weights at every position.",
    forward: (s, i) => {
      const [o, h, w] = index3d(s.shape, i);
      const [, C, K] = s.weightShape;
      const terms = [];
      for (let c = 0; c < C; c++)
        for (let a = 0; a < K; a++)
          for (let b = 0; b < K; b++) {
            const from = flatIndex(s.shapeX, c, h + a - s.padding, w + b - s.padding);
            const value = from < 0 ? 0 : s.x[from];
            const weight = s.weight[((o * C + c) * K + a) * K + b];
            terms.push({
              name: () => subscript("x", c, h + a - s.padding, w + b - s.padding),
              a: value,
              b: weight,
              product: value * weight,
            });
          }
      const bias = s.bias ? { name: markup`bias ${subscript("b", o)}`, value: s.bias[o] } : null;
      return {
        formula: markup`${subscript("y", "o", "h", "w")} = Σ<sub>c,i,j</sub> ${subscript("x", "c", "h+i", "w+j")}
          ${subscript("W", "o", "c", "i", "j")} + ${subscript("b", "o")}`,
        body: sumTable(["from", "x", "W", "x W"], terms, s.y[i], { start: bias }),
      };
    },
    back: (s, i) => {
      const [c, h, w] = index3d(s.shapeX, i);
      const [O, C, K] = s.weightShape;
      const terms = [];
      for (let o = 0; o < O; o++)
        for (let a = 0; a < K; a++)
          for (let b = 0; b < K; b++) {
            const to = flatIndex(s.shape, o, h - a + s.padding, w - b + s.padding);
            if (to < 0) continue;
            const weight = s.weight[((o * C + c) * K + a) * K + b];
            terms.push({
              name: () => subscript("y", o, h - a + s.padding, w - b + s.padding),
              a: s.dy[to],
              b: weight,
              product: s.dy[to] * weight,
            });
          }
      return {
        formula: markup`${partial(subscript("x", "c", "h", "w"))} = Σ<sub>o,i,j</sub>
          ${partial(subscript("y", "o", "h−i", "w−j"))} ${subscript("W", "o", "c", "i", "j")}`,
        body: sumTable(["through", "∂L/∂y", "W", "product"], terms, s.dx[i]),
      };
    },
  },
  maxpool: {
    note: "Keeps the maximum of each window.",
    forward: (s, i) => {
      const [c, h, w] = index3d(s.shape, i);
      const values = [];
      for (let a = 0; a < s.side; a++)
        for (let b = 0; b < s.side; b++)
          values.push(formatNumber(s.x[flatIndex(s.shapeX, c, h * s.side + a, w * s.side + b)]));
      return {
        formula: markup`<i>y</i> = max of ${s.side * s.side}`,
        body: markup`<p>max(${joinMarkup(values, ", ")}) = <b>${formatNumber(s.y[i])}</b></p>`,
      };
    },
    back: (s, i) => {
      const [c, h, w] = index3d(s.shapeX, i);
      const to = flatIndex(s.shape, c, Math.floor(h / s.side), Math.floor(w / s.side));
      const isMaximum = to >= 0 && s.y[to] === s.x[i];
      return {
        formula: markup`${partial(markup`<i>x</i>`)} = ${partial(markup`<i>y</i>`)} where x is the maximum, else 0`,
        body: markup`<p>${isMaximum ? "maximum of its window" : "not the maximum, or cut off"}:
          <b>${formatNumber(s.dx[i])}</b></p>`,
      };
    },
  },
};
