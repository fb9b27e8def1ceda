// Draws the graph as SVG with folding, zoom, keyboard navigation and a list for screen readers.

import { html, svg } from "../shared/dom.js";
import { layOut } from "./layout.js";
import { lastName, modulesOf, openAtFirst } from "./modules.js";
import { drawNode, many, wire, wordsOf } from "./nodes.js";

// Builds the view inside `root` (an element made by graph.html or its like); gives what draws it again.
export function graphIn(root, { operations, kinds, chosen = null, onChoose = null }) {
  const before = root.dlgraph;
  const modules = modulesOf(operations, kinds);
  const same = before && before.name === operations.map((one) => one.name + one.scope.join()).join();
  const g = {
    root,
    operations,
    kinds,
    modules,
    onChoose,
    chosen: same ? before.chosen : chosen,
    name: operations.map((one) => one.name + one.scope.join()).join(),
    open: same ? before.open : openAtFirst(operations, modules),
    scale: same ? before.scale : null,
    view: root.querySelector(".dlg-view"),
    focus: same ? before.focus : null,
  };
  root.dlgraph = g;
  for (const [name, act] of Object.entries({
    in: () => zoom(g, 1.25),
    out: () => zoom(g, 0.8),
    fit: () => {
      fitGraph(g);
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
    button.onclick = act;
    if (name === "open" || name === "close") button.hidden = !modules.foldable.size;
  }
  g.view.onkeydown = (event) => keys(g, event);
  g.view.onwheel = (event) => {
    if (event.ctrlKey) {
      event.preventDefault();
      zoom(g, event.deltaY < 0 ? 1.12 : 0.89);
    }
  };
  drag(g.view);
  drawGraph(g);
  return g;
}

function zoom(g, factor) {
  g.scale = Math.min(2.5, Math.max(0.12, g.scale * factor));
  size(g);
}

function fitGraph(g) {
  g.scale = Math.min(1.4, (g.view.clientWidth - 4) / g.laid.width, (g.view.clientHeight - 4) / g.laid.height);
  size(g);
}

export function size(g) {
  g.svg.setAttribute("width", g.laid.width * g.scale);
  g.svg.setAttribute("height", g.laid.height * g.scale);
}

function drag(view) {
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
  const laid = layOut(g.operations, g.modules, g.open);
  g.laid = laid;
  const had = g.view.contains(document.activeElement);
  g.svg?.remove();
  g.view.replaceChildren();
  g.svg = svg(
    "svg",
    {
      viewBox: `${laid.left} 0 ${laid.width} ${laid.height}`,
      role: "group",
      "aria-label": `Computational graph, ${laid.nodes.length} nodes`,
    },
    g.view,
  );
  const boxes = svg("g", {}, g.svg);
  for (const box of laid.boxes)
    svg(
      "rect",
      { class: "dlg-box", x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, rx: 10 },
      boxes,
    );
  const wires = svg("g", { class: "dlg-wires" }, g.svg);
  for (const edge of laid.edges) svg("path", { d: wire(edge.way), "data-from": edge.from, "data-to": edge.to }, wires);
  for (const box of laid.boxes) drawLabel(g, box);
  g.parts = laid.nodes.map((node) => drawNode(g, node, { unfold, choose, light }));
  if (g.scale === null) g.scale = Math.min(1, Math.max(0.62, (g.view.clientWidth - 8) / laid.width));
  size(g);
  const at = laid.nodes.findIndex((node) => node.key === g.focus);
  setTabStop(g, Math.max(0, at));
  if (had && at >= 0) g.parts[at].focus();
  if (g.chosen !== null)
    light(
      g,
      laid.nodes.findIndex((node) => node.key === g.chosen),
    );
  list(g);
  g.root.querySelector(".dlg-count").textContent = `${laid.nodes.length} nodes for ${g.operations.length} operations`;
}

function drawLabel(g, box) {
  const module = g.modules.all.get(box.path);
  const words = `− ${lastName(box.path)}`;
  const label = svg(
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
  const width = words.length * 6.3 + 14;
  svg("rect", { x: box.left, y: box.top - 8, width, height: 17, rx: 6 }, label);
  svg("text", { x: box.left + 7, y: box.top + 4 }, label, words);
  label.onclick = () => {
    g.open.delete(box.path);
    g.focus = box.path;
    drawGraph(g);
  };
}

export function unfold(g, node) {
  g.open.add(node.folded);
  g.focus = g.modules.all.get(node.folded).members[0];
  const inner = g.operations[g.focus].scope.find((path) => g.modules.foldable.has(path) && !g.open.has(path));
  if (inner) g.focus = inner;
  drawGraph(g);
}

export function choose(g, node) {
  g.chosen = g.chosen === node.key ? null : node.key;
  light(g, g.chosen === null ? -1 : node.id);
  g.onChoose?.(g.chosen === null ? null : node.one, node);
}

export function light(g, id) {
  for (const path of g.svg.querySelectorAll(".dlg-wires path"))
    path.classList.toggle("dlg-lit", Number(path.dataset.from) === id || Number(path.dataset.to) === id);
  for (const [i, part] of g.parts.entries()) {
    part.classList.toggle("dlg-on", i === id && g.laid.nodes[i].key === g.chosen);
  }
}

function setTabStop(g, place) {
  for (const [i, part] of g.parts.entries()) part.setAttribute("tabindex", i === place ? 0 : -1);
}

function keys(g, event) {
  const at = g.parts.indexOf(document.activeElement);
  if (event.key === "+" || event.key === "-") {
    zoom(g, event.key === "+" ? 1.25 : 0.8);
    event.preventDefault();
    return;
  }
  if (event.key === "0") {
    fitGraph(g);
    event.preventDefault();
    return;
  }
  if (at < 0) return;
  const node = g.laid.nodes[at];
  const cell = g.laid.cells[at];
  const go = (to) => {
    event.preventDefault();
    if (to === undefined || to < 0) return;
    setTabStop(g, to);
    g.parts[to].focus();
    g.parts[to].scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const beside = g.laid.cells.filter((one) => one.node && one.rank === cell.rank).sort((a, b) => a.x - b.x);
  const place = beside.indexOf(cell);
  if (event.key === "ArrowDown") go(g.laid.nodes.find((one) => one.sources.has(at))?.id);
  else if (event.key === "ArrowUp") go([...node.sources][0]);
  else if (event.key === "ArrowLeft") go(beside[place - 1]?.node.id);
  else if (event.key === "ArrowRight") go(beside[place + 1]?.node.id);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(g.parts.length - 1);
  else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    if (node.folded) unfold(g, node);
    else choose(g, node);
  } else if ((event.key === "Backspace" || event.key === "Escape") && node.within.length) {
    event.preventDefault();
    const path = node.within.at(-1);
    g.open.delete(path);
    g.focus = path;
    drawGraph(g);
  }
}

export function list(g) {
  const rows = g.root.querySelector(".dlg-list ol");
  rows.replaceChildren();
  g.laid.nodes.forEach((node) => {
    const words = wordsOf(g, node);
    const from = [...node.sources].map((source) => `${source + 1}`).join(" and ");
    html(
      "li",
      {},
      rows,
      `${words.title}${words.kind ? ` (${words.kind})` : ""}: ${words.shape}${node.weights + node.biases ? `, ${many(node.weights + node.biases)} parameters` : ""}${from ? `, from ${from}` : ""}`,
    );
  });
}
