// Draws the nodes and edges of the graph.

import { svg } from "../shared/dom.js";
import { lastName, shapeWords } from "./modules.js";

const JOINS = new Set(["add", "mul", "sub", "div", "cat", "stack", "matmul", "bmm", "attention", "where"]);

const BENDS = new Set(["relu", "sigmoid", "tanh", "gelu", "softmax", "elu", "leaky relu", "silu", "log softmax"]);

const kindOf = (node) =>
  node.folded
    ? "module"
    : node.one.name === "input"
      ? "input"
      : node.weights + node.biases
        ? "weights"
        : JOINS.has(node.one.name)
          ? "join"
          : BENDS.has(node.one.name)
            ? "bend"
            : "plain";

export const many = (count) => count.toLocaleString("en");

export function wordsOf(g, node) {
  const { modules } = g;
  if (node.folded) {
    const module = modules.all.get(node.folded);
    return {
      title: `${lastName(node.folded)}${module.kind ? ` · ${module.kind}` : ""}`,
      shape: shapeWords(node.last.shape),
      kind: `${module.members.length} operations`,
    };
  }
  const own = [...node.one.scope].reverse().find((path) => modules.all.get(path).members.length === 1);
  return {
    title:
      own && !/\d+$/.test(own) && lastName(own) !== node.one.name
        ? `${lastName(own)} · ${node.one.name}`
        : node.one.label || node.one.name,
    shape: shapeWords(node.one.shape),
    kind: "",
  };
}

export function wire(way) {
  let d = "";
  for (let i = 1; i < way.length; i++) {
    const a = way[i - 1];
    const b = way[i];
    const y0 = a.y + a.tall / 2;
    const y1 = b.y - b.tall / 2 - (b.node ? 3 : 0);
    const half = (y1 - y0) / 2;
    d += `${i === 1 ? `M${a.x},${y0}` : `L${a.x},${y0}`} C${a.x},${y0 + half} ${b.x},${y1 - half} ${b.x},${y1}`;
  }
  return `${d} m-4,-5 l4,5 l4,-5`;
}

export function drawNode(g, node, { unfold, choose, light }) {
  const cell = g.laid.cells[node.id];
  const words = wordsOf(g, node);
  const kind = kindOf(node);
  const top = cell.y - cell.tall / 2;
  const left = cell.x - cell.wide / 2;
  const total = node.weights + node.biases;
  const parameters = total ? `${many(total)} parameters` : "";
  const says = [
    words.title,
    words.kind,
    `gives ${words.shape}`,
    parameters,
    node.folded ? "folded: press Enter to unfold" : "",
  ]
    .filter(Boolean)
    .join(", ");
  const part = svg(
    "g",
    {
      class: `dlg-node dlg-${kind}`,
      role: "button",
      "aria-label": says,
      ...(node.folded ? { "aria-expanded": "false" } : {}),
    },
    g.svg,
  );
  if (node.folded)
    svg("rect", { class: "dlg-behind", x: left + 4, y: top + 4, width: cell.wide, height: cell.tall, rx: 9 }, part);
  svg("rect", { class: "dlg-card", x: left, y: top, width: cell.wide, height: cell.tall, rx: 9 }, part);
  svg("rect", { class: "dlg-edge", x: left, y: top + 8, width: 3.5, height: cell.tall - 16, rx: 1.5 }, part);
  const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  svg(
    "text",
    { class: "dlg-title", x: left + 13, y: top + 19 },
    part,
    short((node.folded ? "+ " : "") + words.title, 25),
  );
  svg(
    "text",
    { class: "dlg-shape", x: left + 13, y: top + 35 },
    part,
    short(`${words.shape}${words.kind ? ` · ${words.kind}` : ""}`, 29),
  );
  if (total) svg("text", { class: "dlg-size", x: left + 13, y: top + 50 }, part, parameters);
  svg("title", {}, part, says);
  part.onclick = () => {
    if (node.folded) unfold(g, node);
    else choose(g, node);
  };
  part.onmouseenter = () => light(g, node.id);
  part.onmouseleave = () => light(g, g.chosen === null ? -1 : g.laid.nodes.findIndex((one) => one.key === g.chosen));
  part.onfocus = () => {
    g.focus = node.key;
    light(g, node.id);
  };
  return part;
}
