// Seeded normal numbers, and the gradient norm of a softmax over random scores.

import { jacobianNorm, softmaxRows } from "./attention.js";
import { fromFunction } from "./matrix.js";

// Normal numbers from a seed, the same in every browser (mulberry32 and Box-Muller).
export function normalSampler(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(uniform() || 1e-12)) * Math.cos(2 * Math.PI * uniform());
}

export function hashSeed(word) {
  let hash = 2166136261;
  for (const letter of word.toLowerCase()) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
  return hash >>> 0;
}

export const roundToTenth = (value) => Math.round(value * 10) / 10;

// Mean Jacobian norm of a softmax over `keys` scores, for normal queries and keys of dimension dk.
export function softmaxGradient(dk, { scaled, keys = 8, rows = 60, seed = 7 }) {
  const draw = normalSampler(seed + dk);
  let passed = 0;
  let top = 0;
  for (let r = 0; r < rows; r++) {
    const q = Float64Array.from({ length: dk }, draw);
    const s = fromFunction(1, keys, () => {
      let sum = 0;
      for (let i = 0; i < dk; i++) sum += q[i] * draw();
      return scaled ? sum / Math.sqrt(dk) : sum;
    });
    const p = softmaxRows(s).data;
    passed += jacobianNorm(p) / rows;
    top += Math.max(...p) / rows;
  }
  return { through: passed, top };
}
