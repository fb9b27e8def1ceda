// Draws the nodes and edges of the graph.

import { svgElement } from "../shared/dom.js";
import { formatShape, lastName } from "./modules.js";

const COMBINING = new Set(["add", "mul", "sub", "div", "cat", "stack", "matmul", "bmm", "attention", "where"]);

const ACTIVATIONS = new Set(["relu", "sigmoid", "tanh", "gelu", "softmax", "elu", "leaky relu", "silu", "log softmax"]);

const nodeKind = (node) =>
  node.folded
    ? "module"
    : node.one.name === "input"
      ? "input"
      : node.weights + node.biases
        ? "weights"
        : COMBINING.has(node.one.name)
          ? "join"
          : ACTIVATIONS.has(node.one.name)
            ? "bend"
            : "plain";

export const formatCount = (count) => count.toLocaleString("en");

export function nodeText(g, node) {
  const { modules } = g;
  if (node.folded) {
    const module = modules.all.get(node.folded);
    return {
      title: `${lastName(node.folded)}${module.kind ? ` · ${module.kind}` : ""}`,
      shape: formatShape(node.last.shape),
      kind: `${module.members.length} operations`,
    };
  }
  const ownModule = [...node.one.scope].reverse().find((path) => modules.all.get(path).members.length === 1);
  return {
    title:
      ownModule && !/\d+$/.test(ownModule) && lastName(ownModule) !== node.one.name
        ? `${lastName(ownModule)} · ${node.one.name}`
        : node.one.label || node.one.name,
    shape: formatShape(node.one.shape),
    kind: "",
  };
}

export function edgePath(points) {
  let d = "";
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1];
    const b = points[i];
    const y0 = a.y + a.tall / 2;
    const y1 = b.y - b.tall / 2 - (b.node ? 3 : 0);
    const half = (y1 - y0) / 2;
    d += `${i === 1 ? `M${a.x},${y0}` : `L${a.x},${y0}`} C${a.x},${y0 + half} ${b.x},${y1 - half} ${b.x},${y1}`;
  }
  return `${d} m-4,-5 l4,5 l4,-5`;
}

export function drawNode(g, node, { unfold, choose, light }) {
  const cell = g.laid.cells[node.id];
  const label = nodeText(g, node);
  const kind = nodeKind(node);
  const top = cell.y - cell.tall / 2;
  const left = cell.x - cell.wide / 2;
  const total = node.weights + node.biases;
  const parameters = total ? `${formatCount(total)} parameters` : "";
  const description = [
    label.title,
    label.kind,
    `output ${label.shape}`,
    parameters,
    node.folded ? "folded: press Enter to unfold" : "",
  ]
    .filter(Boolean)
    .join(", ");
  const group = svgElement(
    "g",
    {
      class: `dlg-node dlg-${kind}`,
      role: "button",
      "aria-label": description,
      ...(node.folded ? { "aria-expanded": "false" } : {}),
    },
    g.svg,
  );
  if (node.folded)
    svgElement(
      "rect",
      { class: "dlg-behind", x: left + 4, y: top + 4, width: cell.wide, height: cell.tall, rx: 9 },
      group,
    );
  svgElement("rect", { class: "dlg-card", x: left, y: top, width: cell.wide, height: cell.tall, rx: 9 }, group);
  svgElement("rect", { class: "dlg-edge", x: left, y: top + 8, width: 3.5, height: cell.tall - 16, rx: 1.5 }, group);
  const truncate = (text, limit) => (text.length > limit ? `${text.slice(0, limit - 1)}…` : text);
  svgElement(
    "text",
    { class: "dlg-title", x: left + 13, y: top + 19 },
    group,
    truncate((node.folded ? "+ " : "") + label.title, 25),
  );
  svgElement(
    "text",
    { class: "dlg-shape", x: left + 13, y: top + 35 },
    group,
    truncate(`${label.shape}${label.kind ? ` · ${label.kind}` : ""}`, 29),
  );
  if (total) svgElement("text", { class: "dlg-size", x: left + 13, y: top + 50 }, group, parameters);
  svgElement("title", {}, group, description);
  group.onclick = () => {
    if (node.folded) unfold(g, node);
    else choose(g, node);
  };
  group.onmouseenter = () => light(g, node.id);
  group.onmouseleave = () => light(g, g.chosen === null ? -1 : g.laid.nodes.findIndex((item) => item.key === g.chosen));
  group.onfocus = () => {
    g.focus = node.key;
    light(g, node.id);
  };
  return group;
}
