// Plot area, axes and markers that the views without a time axis share.

import { scaleOf, ticksOf } from "./axes.js";
import { faint, line, write } from "./canvas.js";
import { tickText } from "./format.js";

const EDGE = { left: 44, right: 12, top: 10, bottom: 38 };

export function plotBox(view) {
  return { left: EDGE.left, right: view.width - EDGE.right, top: EDGE.top, bottom: view.height - EDGE.bottom };
}

export function acrossScale(s, view) {
  const box = plotBox(view);
  return scaleOf(s.axis.log, s.axis.low, s.axis.high, box.left, box.right);
}

export function bottomAxis(s, view, context, scale, title) {
  const box = plotBox(view);
  const { colours } = s;
  for (const tick of ticksOf(scale, Math.max(2, (box.right - box.left) / 62))) {
    const x = scale.at(tick);
    line(
      context,
      [
        [x, box.top],
        [x, box.bottom],
      ],
      { colour: colours.line },
    );
    write(context, tickText(tick), x, box.bottom + 11, { colour: colours.dim, font: colours.font, align: "center" });
  }
  write(context, title, (box.left + box.right) / 2, box.bottom + 28, {
    colour: colours.dim,
    font: colours.font,
    align: "center",
  });
}

export function sideAxis(s, view, context, scale, most = 4) {
  const box = plotBox(view);
  const { colours } = s;
  for (const tick of ticksOf(scale, most)) {
    const y = scale.at(tick);
    line(
      context,
      [
        [box.left, y],
        [box.right, y],
      ],
      { colour: colours.line },
    );
    write(context, tickText(tick), box.left - 6, y, { colour: colours.dim, font: colours.font, align: "right" });
  }
}

export function bar(s, view, context, x) {
  const box = plotBox(view);
  line(
    context,
    [
      [x, box.top],
      [x, box.bottom],
    ],
    { colour: s.colours.primary, width: 2 },
  );
  context.beginPath();
  context.roundRect(x - 4, box.bottom - 8, 8, 16, 4);
  context.fillStyle = s.colours.primary;
  context.fill();
}

export function point(s, context, x, y) {
  context.beginPath();
  context.arc(x, y, 6.5, 0, 7);
  context.fillStyle = s.colours.primary;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = s.colours.ground;
  context.stroke();
}

export function ghostsOn(s, context, at, box) {
  for (const ghost of s.ghosts) {
    const spot = at(ghost);
    if (!spot || spot[0] < box.left - 1 || spot[0] > box.right + 1 || spot[1] < box.top - 1) continue;
    const [x, y] = spot;
    line(
      context,
      [
        [x, y - 5],
        [x + 5, y],
        [x, y + 5],
        [x - 5, y],
        [x, y - 5],
      ],
      { colour: faint(s.colours.text, 0.55), width: 1.3 },
    );
  }
}
