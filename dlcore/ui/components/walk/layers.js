// Formulas of each kind of layer for one cell: forward, backward, and for one weight.
// A stage holds x, y, dx, dy as flat arrays with their shapes, and its weights.

import { D, sub } from "../shared/formula.js";
import { held, plain, said, sumTable } from "../shared/numbers.js";

const at3 = (shape, i) => [Math.floor(i / (shape[1] * shape[2])), Math.floor(i / shape[2]) % shape[1], i % shape[2]];

const flat3 = (shape, c, h, w) =>
  h < 0 || w < 0 || h >= shape[1] || w >= shape[2] ? -1 : (c * shape[1] + h) * shape[2] + w;

export const same = (name, value) => `<p>${name}: <b>${said(value)}</b></p>`;

const passing = {
  forward: (s, i) => ({ formula: `${sub("y", i)} = ${sub("x", i)}`, body: same("the same number", s.y[i]) }),
  back: (s, i) => ({ formula: `${D(sub("x", i))} = ${D(sub("y", i))}`, body: same("handed on as it is", s.dx[i]) }),
};

export const KINDS = {
  flatten: { ...passing, note: "Lays the picture's rows one behind the other." },
  picture: { ...passing, note: "Gives the picture its one channel." },
  dropout: { ...passing, note: "Sets units to 0 in training alone; an answer leaves them all." },
  dense: {
    note: "Every unit: a weighted sum of all that comes in.",
    forward: (s, d) => {
      const F = s.x.length;
      const terms = [];
      for (let f = 0; f < F; f++)
        terms.push({ name: sub("x", f), a: s.x[f], b: s.weight[d * F + f], product: s.x[f] * s.weight[d * F + f] });
      const start = s.bias ? { name: `bias ${sub("b", d)}`, value: s.bias[d] } : null;
      return {
        formula: `${sub("y", d)} = Σ<sub>f</sub> ${sub("x", "f")} ${sub("W", d, "f")}${s.bias ? ` + ${sub("b", d)}` : ""}`,
        body: sumTable(["from", "x", "W", "x W"], terms, s.y[d], { start }),
      };
    },
    back: (s, f) => {
      const F = s.x.length;
      const terms = [];
      for (let d = 0; d < s.y.length; d++)
        terms.push({ name: sub("y", d), a: s.dy[d], b: s.weight[d * F + f], product: s.dy[d] * s.weight[d * F + f] });
      return {
        formula: `${D(sub("x", f))} = Σ<sub>d</sub> ${D(sub("y", "d"))} ${sub("W", "d", f)}`,
        body: sumTable(["through", "∂L/∂y", "W", "product"], terms, s.dx[f]),
      };
    },
    weight: (s, d, f) => ({
      formula: `${D(sub("W", d, f))} = ${D(sub("y", d))} ${sub("x", f)}`,
      body: `<p>${said(s.dy[d])} · ${held(s.x[f])} = <b>${said(s.dy[d] * s.x[f])}</b></p>`,
    }),
  },
  batchnorm: {
    note: "Answering, with the running mean m and spread s of the training; then scaled by γ and moved by β.",
    forward: (s, i) => {
      const c = s.shape.length === 1 ? i : at3(s.shape, i)[0];
      const h = (s.x[i] - s.mean[c]) / s.spread[c];
      return {
        formula: `<i>h</i> = (<i>x</i> − <i>m</i>) / <i>s</i>, &nbsp; <i>y</i> = γ <i>h</i> + β`,
        body: `<p><i>h</i> = (${said(s.x[i])} − ${held(s.mean[c])}) / ${said(s.spread[c])} = ${said(h)}</p><p><i>y</i> = ${said(s.weight[c])} · ${held(h)} + ${held(s.bias[c])} = <b>${said(s.y[i])}</b></p>`,
      };
    },
    back: (s, i) => {
      const c = s.shape.length === 1 ? i : at3(s.shape, i)[0];
      return {
        formula: `${D("<i>x</i>")} = ${D("<i>y</i>")} γ / <i>s</i>`,
        body: `<p>${said(s.dy[i])} · ${held(s.weight[c])} / ${said(s.spread[c])} = <b>${said(s.dx[i])}</b></p>`,
      };
    },
  },
  relu: {
    note: "Below 0 nothing passes.",
    forward: (s, i) => ({
      formula: `<i>y</i> = max(0, <i>x</i>)`,
      body: `<p>max(0, ${said(s.x[i])}) = <b>${said(s.y[i])}</b></p>`,
    }),
    back: (s, i) => ({
      formula: `${D("<i>x</i>")} = ${D("<i>y</i>")} · [<i>x</i> &gt; 0]`,
      body: `<p>x = ${said(s.x[i])} is ${s.x[i] > 0 ? "above 0: passed on" : "not above 0: stopped"}</p><p>${said(s.dy[i])} · ${s.x[i] > 0 ? 1 : 0} = <b>${said(s.dx[i])}</b></p>`,
    }),
  },
  tanh: {
    note: "Squeezes into −1 to 1.",
    forward: (s, i) => ({
      formula: `<i>y</i> = tanh(<i>x</i>)`,
      body: `<p>tanh(${said(s.x[i])}) = <b>${said(s.y[i])}</b></p>`,
    }),
    back: (s, i) => ({
      formula: `${D("<i>x</i>")} = ${D("<i>y</i>")} (1 − <i>y</i><sup>2</sup>)`,
      body: `<p>${said(s.dy[i])} · (1 − ${held(s.y[i])}<sup>2</sup>) = <b>${said(s.dx[i])}</b></p>`,
    }),
  },
  sigmoid: {
    note: "Squeezes into 0 to 1; its slope is a quarter at most.",
    forward: (s, i) => ({
      formula: `<i>y</i> = 1 / (1 + <i>e</i><sup>−x</sup>)`,
      body: `<p>1 / (1 + <i>e</i><sup>${plain(-s.x[i])}</sup>) = <b>${said(s.y[i])}</b></p>`,
    }),
    back: (s, i) => ({
      formula: `${D("<i>x</i>")} = ${D("<i>y</i>")} <i>y</i> (1 − <i>y</i>)`,
      body: `<p>${said(s.dy[i])} · ${said(s.y[i])} · (1 − ${said(s.y[i])}) = <b>${said(s.dx[i])}</b></p>`,
    }),
  },
  convolution: {
    note: "A small window slid over the picture, the same weights at every place.",
    forward: (s, i) => {
      const [o, h, w] = at3(s.shape, i);
      const [, C, K] = s.weightShape;
      const terms = [];
      for (let c = 0; c < C; c++)
        for (let a = 0; a < K; a++)
          for (let b = 0; b < K; b++) {
            const from = flat3(s.shapeX, c, h + a - s.padding, w + b - s.padding);
            const value = from < 0 ? 0 : s.x[from];
            const weight = s.weight[((o * C + c) * K + a) * K + b];
            terms.push({
              name: sub("x", c, h + a - s.padding, w + b - s.padding),
              a: value,
              b: weight,
              product: value * weight,
            });
          }
      const start = s.bias ? { name: `bias ${sub("b", o)}`, value: s.bias[o] } : null;
      return {
        formula: `${sub("y", "o", "h", "w")} = Σ<sub>c,i,j</sub> ${sub("x", "c", "h+i", "w+j")} ${sub("W", "o", "c", "i", "j")} + ${sub("b", "o")}`,
        body: sumTable(["from", "x", "W", "x W"], terms, s.y[i], { start }),
      };
    },
    back: (s, i) => {
      const [c, h, w] = at3(s.shapeX, i);
      const [O, C, K] = s.weightShape;
      const terms = [];
      for (let o = 0; o < O; o++)
        for (let a = 0; a < K; a++)
          for (let b = 0; b < K; b++) {
            const to = flat3(s.shape, o, h - a + s.padding, w - b + s.padding);
            if (to < 0) continue;
            const weight = s.weight[((o * C + c) * K + a) * K + b];
            terms.push({
              name: sub("y", o, h - a + s.padding, w - b + s.padding),
              a: s.dy[to],
              b: weight,
              product: s.dy[to] * weight,
            });
          }
      return {
        formula: `${D(sub("x", "c", "h", "w"))} = Σ<sub>o,i,j</sub> ${D(sub("y", "o", "h−i", "w−j"))} ${sub("W", "o", "c", "i", "j")}`,
        body: sumTable(["through", "∂L/∂y", "W", "product"], terms, s.dx[i]),
      };
    },
  },
  maxpool: {
    note: "Keeps the largest of each square.",
    forward: (s, i) => {
      const [c, h, w] = at3(s.shape, i);
      const found = [];
      for (let a = 0; a < s.side; a++)
        for (let b = 0; b < s.side; b++) found.push(said(s.x[flat3(s.shapeX, c, h * s.side + a, w * s.side + b)]));
      return {
        formula: `<i>y</i> = the largest of ${s.side * s.side}`,
        body: `<p>max(${found.join(", ")}) = <b>${said(s.y[i])}</b></p>`,
      };
    },
    back: (s, i) => {
      const [c, h, w] = at3(s.shapeX, i);
      const to = flat3(s.shape, c, Math.floor(h / s.side), Math.floor(w / s.side));
      const won = to >= 0 && s.y[to] === s.x[i];
      return {
        formula: `${D("<i>x</i>")} = ${D("<i>y</i>")} where x was the largest, else 0`,
        body: `<p>${won ? "it was the largest of its square" : "another was larger, or it was cut off"}: <b>${said(s.dx[i])}</b></p>`,
      };
    },
  },
};
