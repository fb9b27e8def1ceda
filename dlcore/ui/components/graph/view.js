// Draws the graph as SVG with folding, zoom, keyboard navigation and a list for screen readers.

import { htmlElement, svgElement } from "../shared/dom.js";
import { layOutGraph } from "./layout.js";
import { findModules, initiallyOpen, lastName } from "./modules.js";
import { drawNode, edgePath, formatCount, nodeText } from "./nodes.js";

// Draws the graph inside `root`, an element with the structure of graph.html.
export function showGraph(root, { operations, kinds, chosen = null, onChoose = null }) {
  const before = root.dlgraph;
  const modules = findModules(operations, kinds);
  const same = before && before.name === operations.map((one) => one.name + one.scope.join()).join();
  const g = {
    root,
    operations,
    kinds,
    modules,
    onChoose,
    chosen: same ? before.chosen : chosen,
    name: operations.map((one) => one.name + one.scope.join()).join(),
    open: same ? before.open : initiallyOpen(operations, modules),
    scale: same ? before.scale : null,
    view: root.querySelector(".dlg-view"),
    focus: same ? before.focus : null,
  };
  root.dlgraph = g;
  for (const [name, action] of Object.entries({
    in: () => zoom(g, 1.25),
    out: () => zoom(g, 0.8),
    fit: () => {
      fitToView(g);
    },
    open: () => {
      g.open = new Set(modules.foldable.keys());
      drawGraph(g);
    },
    close: () => {
      g.open = new Set();
      drawGraph(g);
    },
  })) {
    const button = root.querySelector(`.dlg-${name}`);
    button.onclick = action;
    if (name === "open" || name === "close") button.hidden = !modules.foldable.size;
  }
  g.view.onkeydown = (event) => onKey(g, event);
  g.view.onwheel = (event) => {
    if (event.ctrlKey) {
      event.preventDefault();
      zoom(g, event.deltaY < 0 ? 1.12 : 0.89);
    }
  };
  panByDrag(g.view);
  drawGraph(g);
  return g;
}

function zoom(g, factor) {
  g.scale = Math.min(2.5, Math.max(0.12, g.scale * factor));
  resize(g);
}

function fitToView(g) {
  g.scale = Math.min(1.4, (g.view.clientWidth - 4) / g.laid.width, (g.view.clientHeight - 4) / g.laid.height);
  resize(g);
}

export function resize(g) {
  g.svg.setAttribute("width", g.laid.width * g.scale);
  g.svg.setAttribute("height", g.laid.height * g.scale);
}

function panByDrag(view) {
  let from = null;
  view.onpointerdown = (event) => {
    if (event.pointerType === "mouse" && !event.target.closest("[role=button]"))
      from = [event.clientX + view.scrollLeft, event.clientY + view.scrollTop];
  };
  view.onpointermove = (event) => {
    if (from && event.buttons) view.scrollTo(from[0] - event.clientX, from[1] - event.clientY);
    else from = null;
  };
}

function drawGraph(g) {
  const layout = layOutGraph(g.operations, g.modules, g.open);
  g.laid = layout;
  const hadFocus = g.view.contains(document.activeElement);
  g.svg?.remove();
  g.view.replaceChildren();
  g.svg = svgElement(
    "svg",
    {
      viewBox: `${layout.left} 0 ${layout.width} ${layout.height}`,
      role: "group",
      "aria-label": `Computational graph, ${layout.nodes.length} nodes`,
    },
    g.view,
  );
  const boxes = svgElement("g", {}, g.svg);
  for (const box of layout.boxes)
    svgElement(
      "rect",
      { class: "dlg-box", x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, rx: 10 },
      boxes,
    );
  const edges = svgElement("g", { class: "dlg-wires" }, g.svg);
  for (const edge of layout.edges)
    svgElement("path", { d: edgePath(edge.way), "data-from": edge.from, "data-to": edge.to }, edges);
  for (const box of layout.boxes) drawLabel(g, box);
  g.parts = layout.nodes.map((node) => drawNode(g, node, { unfold: unfoldNode, choose: selectNode, light: highlight }));
  if (g.scale === null) g.scale = Math.min(1, Math.max(0.62, (g.view.clientWidth - 8) / layout.width));
  resize(g);
  const index = layout.nodes.findIndex((node) => node.key === g.focus);
  setTabStop(g, Math.max(0, index));
  if (hadFocus && index >= 0) g.parts[index].focus();
  if (g.chosen !== null)
    highlight(
      g,
      layout.nodes.findIndex((node) => node.key === g.chosen),
    );
  updateList(g);
  g.root.querySelector(".dlg-count").textContent = `${layout.nodes.length} nodes for ${g.operations.length} operations`;
}

function drawLabel(g, box) {
  const module = g.modules.all.get(box.path);
  const text = `− ${lastName(box.path)}`;
  const label = svgElement(
    "g",
    {
      class: "dlg-fold",
      role: "button",
      tabindex: -1,
      "aria-expanded": "true",
      "aria-label": `${box.path}, ${module.kind}: fold`,
    },
    g.svg,
  );
  const width = text.length * 6.3 + 14;
  svgElement("rect", { x: box.left, y: box.top - 8, width, height: 17, rx: 6 }, label);
  svgElement("text", { x: box.left + 7, y: box.top + 4 }, label, text);
  label.onclick = () => {
    g.open.delete(box.path);
    g.focus = box.path;
    drawGraph(g);
  };
}

export function unfoldNode(g, node) {
  g.open.add(node.folded);
  g.focus = g.modules.all.get(node.folded).members[0];
  const inner = g.operations[g.focus].scope.find((path) => g.modules.foldable.has(path) && !g.open.has(path));
  if (inner) g.focus = inner;
  drawGraph(g);
}

export function selectNode(g, node) {
  g.chosen = g.chosen === node.key ? null : node.key;
  highlight(g, g.chosen === null ? -1 : node.id);
  g.onChoose?.(g.chosen === null ? null : node.one, node);
}

export function highlight(g, id) {
  for (const path of g.svg.querySelectorAll(".dlg-wires path"))
    path.classList.toggle("dlg-lit", Number(path.dataset.from) === id || Number(path.dataset.to) === id);
  for (const [i, group] of g.parts.entries()) {
    group.classList.toggle("dlg-on", i === id && g.laid.nodes[i].key === g.chosen);
  }
}

function setTabStop(g, position) {
  for (const [i, group] of g.parts.entries()) group.setAttribute("tabindex", i === position ? 0 : -1);
}

function onKey(g, event) {
  const index = g.parts.indexOf(document.activeElement);
  if (event.key === "+" || event.key === "-") {
    zoom(g, event.key === "+" ? 1.25 : 0.8);
    event.preventDefault();
    return;
  }
  if (event.key === "0") {
    fitToView(g);
    event.preventDefault();
    return;
  }
  if (index < 0) return;
  const node = g.laid.nodes[index];
  const cell = g.laid.cells[index];
  const focusNode = (target) => {
    event.preventDefault();
    if (target === undefined || target < 0) return;
    setTabStop(g, target);
    g.parts[target].focus();
    g.parts[target].scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const sameRow = g.laid.cells.filter((one) => one.node && one.rank === cell.rank).sort((a, b) => a.x - b.x);
  const position = sameRow.indexOf(cell);
  if (event.key === "ArrowDown") focusNode(g.laid.nodes.find((one) => one.sources.has(index))?.id);
  else if (event.key === "ArrowUp") focusNode([...node.sources][0]);
  else if (event.key === "ArrowLeft") focusNode(sameRow[position - 1]?.node.id);
  else if (event.key === "ArrowRight") focusNode(sameRow[position + 1]?.node.id);
  else if (event.key === "Home") focusNode(0);
  else if (event.key === "End") focusNode(g.parts.length - 1);
  else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    if (node.folded) unfoldNode(g, node);
    else selectNode(g, node);
  } else if ((event.key === "Backspace" || event.key === "Escape") && node.within.length) {
    event.preventDefault();
    const path = node.within.at(-1);
    g.open.delete(path);
    g.focus = path;
    drawGraph(g);
  }
}

export function updateList(g) {
  const rows = g.root.querySelector(".dlg-list ol");
  rows.replaceChildren();
  g.laid.nodes.forEach((node) => {
    const text = nodeText(g, node);
    const from = [...node.sources].map((source) => `${source + 1}`).join(" and ");
    const parameters = node.weights + node.biases;
    htmlElement(
      "li",
      {},
      rows,
      [
        `${text.title}${text.kind ? ` (${text.kind})` : ""}: ${text.shape}`,
        ...(parameters ? [`${formatCount(parameters)} parameters`] : []),
        ...(from ? [`from ${from}`] : []),
      ].join(", "),
    );
  });
}
