// Gradient norm of a softmax with and without division by the square root of d_k.

import { svgElement } from "../shared/dom.js";
import { softmaxGradient } from "./random.js";

export function drawSoftmaxLab(s) {
  const box = s.root.querySelector(".dla-lab svg");
  const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
  const left = 46;
  const right = 150;
  const top = 12;
  const bottom = 34;
  s.lab ??= {
    with: sizes.map((dk) => softmaxGradient(dk, { scaled: true })),
    without: sizes.map((dk) => softmaxGradient(dk, { scaled: false })),
  };
  box.replaceChildren();
  const x = (i) => left + (i * (640 - left - right)) / (sizes.length - 1);
  const high = 0.45;
  const y = (value) => top + (1 - value / high) * (220 - top - bottom);
  for (const tick of [0, 0.1, 0.2, 0.3, 0.4]) {
    svgElement("line", { x1: left, x2: 640 - right, y1: y(tick), y2: y(tick), class: "dla-grid" }, box);
    svgElement("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, box, tick.toFixed(1));
  }
  for (const [i, dk] of sizes.entries()) svgElement("text", { x: x(i), y: 206, "text-anchor": "middle" }, box, dk);
  svgElement(
    "text",
    { x: (left + 640 - right) / 2, y: 236, "text-anchor": "middle", class: "dla-axis" },
    box,
    "key size dk",
  );
  for (const [name, label] of [
    ["with", "divided by √dk"],
    ["without", "not divided"],
  ]) {
    const values = s.lab[name].map((row) => row.through);
    svgElement(
      "polyline",
      { points: values.map((value, i) => `${x(i)},${y(value)}`).join(" "), class: `dla-line dla-line-${name}` },
      box,
    );
    for (const [i, value] of values.entries())
      svgElement(
        name === "with" ? "circle" : "rect",
        name === "with"
          ? { cx: x(i), cy: y(value), r: 3.6, class: `dla-dot-${name}` }
          : { x: x(i) - 3.3, y: y(value) - 3.3, width: 6.6, height: 6.6, class: `dla-dot-${name}` },
        box,
      );
    svgElement("text", { x: x(sizes.length - 1) + 12, y: y(values.at(-1)) + 4, class: "dla-name" }, box, label);
  }
  const atEnd = (name) => s.lab[name].at(-1);
  const label =
    `At dk = 512, Jacobian norm: ${atEnd("without").through.toFixed(3)} undivided, ` +
    `${atEnd("with").through.toFixed(3)} divided; mean maximum weight: ` +
    `${atEnd("without").top.toFixed(2)} and ${atEnd("with").top.toFixed(2)}.`;
  box.setAttribute("aria-label", `Norm of the Jacobian of a softmax over 8 scores by key size. ${label}`);
  s.root.querySelector(".dla-lab-says").textContent = label;
}
