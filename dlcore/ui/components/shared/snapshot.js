// An element as SVG: its canvases, drawn again by the same code into a recorder, its SVG images and its texts.

import { svgElement } from "./dom.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const round = (value) => Math.round(value * 100) / 100;

// A canvas context that appends SVG elements to `group`; the transform of the canvas must be a scale.
function createRecorder(canvas, group) {
  const state = {
    ...{ fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, globalAlpha: 1, font: "10px sans-serif" },
    ...{ textAlign: "start", textBaseline: "alphabetic", lineJoin: "miter", lineCap: "butt", dash: [] },
  };
  let path = "";
  const saved = [];
  let target = group;
  const add = (name, attributes, text) =>
    svgElement(name, { ...attributes, ...(state.globalAlpha < 1 ? { opacity: state.globalAlpha } : {}) }, target, text);
  const stroke = () => ({
    ...{ fill: "none", stroke: state.strokeStyle, "stroke-width": state.lineWidth, "stroke-linejoin": state.lineJoin },
    ...(state.dash.length ? { "stroke-dasharray": state.dash.join(" ") } : {}),
  });
  const box = (x, y, width, height) => ({
    ...{ x: round(Math.min(x, x + width)), y: round(Math.min(y, y + height)) },
    ...{ width: round(Math.abs(width)), height: round(Math.abs(height)) },
  });
  const rectangle = (x, y, w, h) => `M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}Z`;
  const words = (text, x, y) => {
    const [, weight, size, family] = /^(?:italic )?(\w+ )?([\d.]+)px (.*)$/.exec(state.font) ?? ["", "", 10, ""];
    const anchor = { center: "middle", right: "end", end: "end" }[state.textAlign] ?? "start";
    const shift = { middle: 0.35, top: 0.8, hanging: 0.8, bottom: -0.2 }[state.textBaseline] ?? 0;
    const font = { "font-family": family, "font-size": size, "font-weight": (weight ?? "").trim() || 400 };
    return [{ x: round(x), y: round(y + shift * size), "text-anchor": anchor, ...font }, String(text)];
  };
  const calls = {
    beginPath: () => (path = ""),
    closePath: () => (path += "Z"),
    moveTo: (x, y) => (path += `M${round(x)} ${round(y)}`),
    lineTo: (x, y) => (path += `${path ? "L" : "M"}${round(x)} ${round(y)}`),
    quadraticCurveTo: (a, b, x, y) => (path += `Q${round(a)} ${round(b)} ${round(x)} ${round(y)}`),
    bezierCurveTo: (...points) => (path += `C${points.map(round).join(" ")}`),
    rect: (...sides) => (path += rectangle(...sides)),
    arc: (x, y, r, from, to) => {
      const at = (angle) => `${round(x + r * Math.cos(angle))} ${round(y + r * Math.sin(angle))}`;
      const half = (from + to) / 2;
      path += `${path ? "L" : "M"}${at(from)}A${r} ${r} 0 0 1 ${at(half)}A${r} ${r} 0 0 1 ${at(to)}`;
    },
    fill: () => add("path", { d: path, fill: state.fillStyle }),
    stroke: () => add("path", { d: path, ...stroke() }),
    fillRect: (...sides) => add("rect", { ...box(...sides), fill: state.fillStyle }),
    strokeRect: (...sides) => add("rect", { ...box(...sides), ...stroke() }),
    clearRect: () => {},
    fillText: (text, x, y) => {
      const [attributes, content] = words(text, x, y);
      add("text", { ...attributes, fill: state.fillStyle }, content);
    },
    strokeText: (text, x, y) => {
      const [attributes, content] = words(text, x, y);
      add("text", { ...attributes, ...stroke() }, content);
    },
    setLineDash: (dash) => (state.dash = dash),
    save: () => saved.push([{ ...state }, target]),
    restore: () => {
      const last = saved.pop();
      if (!last) return;
      Object.assign(state, last[0]);
      target = last[1];
    },
    clip: () => {
      const id = `clip-${Math.random().toString(36).slice(2)}`;
      svgElement("path", { d: path }, svgElement("clipPath", { id }, target));
      target = svgElement("g", { "clip-path": `url(#${id})` }, target);
    },
    translate: (x, y) => (target = svgElement("g", { transform: `translate(${x} ${y})` }, target)),
    rotate: (angle) => (target = svgElement("g", { transform: `rotate(${(angle * 180) / Math.PI})` }, target)),
    scale: () => {},
    setTransform: () => {},
    measureText: (text) => Object.assign(probe, { font: state.font }).measureText(text),
  };
  const probe = document.createElement("canvas").getContext("2d");
  return new Proxy(state, {
    get: (_, name) => calls[name] ?? (name === "canvas" ? canvas : state[name]),
    set: (_, name, value) => Reflect.set(state, name, value),
  });
}

// What `draw` draws on the canvases, as one SVG group for each; null if it cannot be recorded.
function record(canvases, draw) {
  const groups = canvases.map(() => document.createElementNS(NAMESPACE, "g"));
  canvases.forEach((canvas, i) => {
    const context = createRecorder(canvas, groups[i]);
    canvas.getContext = () => context;
  });
  try {
    draw();
    return groups;
  } catch {
    return null; // it draws pixels
  } finally {
    for (const canvas of canvases) delete canvas.getContext;
    draw();
  }
}

function findDraw(element) {
  for (let each = element; each; each = each.parentElement)
    if (each.dlcoreDraw ?? each.dlcoreRedraw) return each.dlcoreDraw ?? each.dlcoreRedraw;
  return null;
}

const isVisible = (element) => element.getClientRects().length > 0;

function addTexts(host, svg, origin) {
  const walker = document.createTreeWalker(host, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("svg, select, .dl-figure-menu")) continue;
    range.selectNodeContents(node);
    const lines = range.getClientRects();
    if (lines.length !== 1 || !lines[0].width) continue; // a paragraph is no label
    const style = getComputedStyle(parent);
    const font = { "font-family": style.fontFamily, "font-size": style.fontSize, "font-weight": style.fontWeight };
    const place = {
      x: round(lines[0].left - origin.left),
      y: round(lines[0].bottom - origin.top - 0.25 * lines[0].height),
    };
    svgElement("text", { ...place, ...font, fill: style.color }, svg, node.data.trim());
  }
}

function addBackgrounds(host, svg, origin) {
  for (const element of host.querySelectorAll("*")) {
    const color = getComputedStyle(element).backgroundColor;
    if (color === "rgba(0, 0, 0, 0)" || element.closest("svg, input, select, .dl-figure-menu")) continue;
    const { left, top, width, height } = element.getBoundingClientRect();
    svgElement("rect", { x: round(left - origin.left), y: round(top - origin.top), width, height, fill: color }, svg);
  }
}

function inlineStyles(from, to) {
  const style = getComputedStyle(from);
  for (const name of [
    "fill",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-dasharray",
    "opacity",
    "font",
    "text-anchor",
  ])
    to.style.setProperty(name, style.getPropertyValue(name));
  [...from.children].forEach((child, i) => {
    inlineStyles(child, to.children[i]);
  });
}

// Returns the text of the SVG, and its size in pixels.
export function drawSvg(host, ground) {
  const origin = host.getBoundingClientRect();
  const [width, height] = [Math.ceil(origin.width), Math.ceil(origin.height)];
  const svg = svgElement("svg", { xmlns: NAMESPACE, width, height, viewBox: `0 0 ${width} ${height}` });
  svgElement("rect", { width, height, fill: ground }, svg);
  addBackgrounds(host, svg, origin);
  const canvases = [...host.querySelectorAll("canvas")].filter(isVisible);
  const draw = findDraw(host);
  const groups = draw && canvases.length ? record(canvases, draw) : null;
  canvases.forEach((canvas, i) => {
    const { left, top, width: w, height: h } = canvas.getBoundingClientRect();
    const [x, y] = [round(left - origin.left), round(top - origin.top)];
    if (groups?.[i].childNodes.length) {
      groups[i].setAttribute("transform", `translate(${x} ${y})`);
      svg.append(groups[i]);
    } else
      svgElement(
        "image",
        { href: canvas.toDataURL(), x, y, width: w, height: h, style: "image-rendering: pixelated" },
        svg,
      );
  });
  for (const inner of [...host.querySelectorAll("svg")].filter(isVisible)) {
    const { left, top, width: w, height: h } = inner.getBoundingClientRect();
    const copy = inner.cloneNode(true);
    inlineStyles(inner, copy);
    for (const [name, value] of Object.entries({ x: left - origin.left, y: top - origin.top, width: w, height: h }))
      copy.setAttribute(name, round(value));
    copy.removeAttribute("style");
    svg.append(copy);
  }
  addTexts(host, svg, origin);
  return { text: new XMLSerializer().serializeToString(svg), width, height };
}
