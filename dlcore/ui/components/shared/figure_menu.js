// A menu at every figure: save it as PNG or SVG, and its data as CSV. Plotly charts have one, and every element with
// `data-figure`, whose value is the title; its data are the rows of `dlcoreTable()` of the element or its component.

import { htmlElement } from "./dom.js";
import { loadPlotly } from "./plotly.js";
import { drawSvg } from "./snapshot.js";
import { plotlyTable, toCsv } from "./table.js";
import { readTheme } from "./theme.js";

const FIGURES = ".js-plotly-plot, [data-figure]";
const SCALE = 2; // of a PNG: sharp on a projector

// Where the menu of a figure is: Plotly draws its whole element again.
const hostOf = (figure) =>
  figure.matches("[data-figure]") ? figure : (figure.closest("[data-testid=stPlotlyChart]") ?? figure).parentElement;

const findFigure = (host) => (host.matches("[data-figure]") ? host : host.querySelector(".js-plotly-plot"));

function findTable(figure) {
  if (figure.data) return () => plotlyTable(figure);
  for (let element = figure; element; element = element.parentElement)
    if (element.dlcoreTable) return () => element.dlcoreTable(figure);
  return null;
}

function titleOf(figure) {
  const title = figure.layout?.title?.text ?? figure.dataset.figure;
  return title || figure.closest("[aria-label]")?.getAttribute("aria-label") || document.title;
}

const fileName = (figure, type) => {
  const name = titleOf(figure).replace(/<[^>]*>|&lt;/g, " ");
  return `${
    name
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .slice(0, 60)
      .replace(/^-+|-+$/g, "")
      .toLowerCase() || "figure"
  }.${type}`;
};

// The figure as a data URL on the background of the theme.
async function drawImage(figure, type) {
  const ground = readTheme(figure).ground;
  if (figure.data) {
    const Plotly = await loadPlotly();
    const size = { width: figure.clientWidth, height: figure.clientHeight };
    const layout = { ...figure.layout, paper_bgcolor: ground };
    return Plotly.toImage({ data: figure.data, layout }, { format: type, scale: type === "png" ? SCALE : 1, ...size });
  }
  const { text, width, height } = drawSvg(figure, ground);
  const url = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  if (type === "svg") return url;
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = htmlElement("canvas", { width: width * SCALE, height: height * SCALE });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}

async function save(figure, type) {
  const isTable = type === "csv";
  const csv = isTable ? URL.createObjectURL(new Blob([toCsv(findTable(figure)())], { type: "text/csv" })) : "";
  const href = csv || (await drawImage(figure, type));
  htmlElement("a", { href, download: fileName(figure, type) }).click();
  if (csv) setTimeout(() => URL.revokeObjectURL(csv), 10_000);
}

function addMenu(host) {
  const menu = htmlElement("details", { class: "dl-figure-menu" });
  htmlElement("summary", { "aria-label": "Save figure", title: "Save figure" }, menu, "⤓");
  const types = htmlElement("div", {}, menu);
  for (const type of ["png", "svg", "csv"]) {
    const button = htmlElement("button", { type: "button" }, types, type.toUpperCase());
    button.addEventListener("click", async () => {
      await save(findFigure(host), type);
      menu.open = false;
    });
  }
  menu.addEventListener("toggle", () => {
    types.lastElementChild.hidden = !findTable(findFigure(host));
  });
  for (const name of ["pointerdown", "pointermove", "click", "dblclick", "keydown"])
    menu.addEventListener(name, (event) => event.stopPropagation()); // the figure listens too
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.firstElementChild.focus();
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  host.classList.add("dl-figure");
  if (host.getAttribute("role") === "img") host.setAttribute("role", "figure"); // an image holds no buttons
  host.append(menu);
}

// Gives a menu to the figures in the document, and to those that come later.
export function watchFigures() {
  if (window.dlcoreFigures) return;
  let isScheduled = false;
  const add = () => {
    isScheduled = false;
    for (const figure of document.querySelectorAll(FIGURES)) {
      const host = hostOf(figure);
      if (!host.querySelector(":scope > .dl-figure-menu")) addMenu(host);
    }
  };
  window.dlcoreFigures = new MutationObserver(() => {
    if (isScheduled) return;
    isScheduled = true;
    setTimeout(add, 300);
  });
  window.dlcoreFigures.observe(document.body, { childList: true, subtree: true });
  add();
}
