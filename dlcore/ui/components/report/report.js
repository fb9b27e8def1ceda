// A report: the app's components and figures, drawn from the data in the file. Nothing is loaded.

import drawCurves from "../curves/curves.js";
import drawEpochs from "../epochs/epochs.js";
import drawGradients from "../gradients/gradients.js";
import drawModel from "../model/model.js";
import { watchFigures } from "../shared/figure_menu.js";
import { axisLayout, loadPlotly, PLOT_CONFIG, plotLayout } from "../shared/plotly.js";
import { onThemeChange, readTheme } from "../shared/theme.js";
import drawThreshold from "../threshold/threshold.js";

const COMPONENTS = {
  curves: drawCurves,
  epochs: drawEpochs,
  figure: drawFigure,
  gradients: drawGradients,
  model: drawModel,
  threshold: drawThreshold,
};
const THEMES = { light: "dark", dark: "light" };

const quiet = (axis, colors) => ({
  ...axis,
  gridcolor: colors.line,
  title: { ...axis.title, font: { size: 12 }, standoff: 8 },
});

async function drawFigure({ data, parentElement }) {
  const root = parentElement.querySelector(".dlr-figure");
  const Plotly = await loadPlotly();
  const redraw = () => {
    const colors = readTheme(root);
    const axes = Object.entries(data.layout).filter(([name]) => /^[xy]axis\d*$/.test(name));
    const layout = {
      ...plotLayout(colors, data.layout),
      ...Object.fromEntries(axes.map(([name, axis]) => [name, axisLayout(colors, quiet(axis, colors))])),
    };
    Plotly.react(root, data.data, layout, PLOT_CONFIG);
  };
  redraw();
  onThemeChange(root, redraw);
}

function listenToTheme(button) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const current = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  const label = () => {
    button.textContent = `${THEMES[current()] === "dark" ? "Dark" : "Light"} theme`;
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = THEMES[current()];
    label();
  });
  dark.addEventListener("change", label);
  label();
  button.hidden = false;
}

async function drawParts() {
  // plotly.js follows in the file: parts that do without it are on the screen before
  const whenLoaded = (name) =>
    new Promise((resolve) => document.addEventListener("DOMContentLoaded", () => resolve(window[name])));
  window.dlcorePlotly = whenLoaded("Plotly");
  window.dlcoreOrt = whenLoaded("dlcoreOrtModule"); // a module script: it runs before this event
  const parts = JSON.parse(document.querySelector("#dlr-data").textContent);
  for (const element of document.querySelectorAll("[data-part]")) {
    const data = parts[element.dataset.part];
    await COMPONENTS[element.dataset.kind]({ data, parentElement: element, setStateValue() {} });
    element.dataset.drawn = "";
    await new Promise((resolve) => setTimeout(resolve)); // the first part is on the screen before the next is drawn
  }
  document.documentElement.dataset.drawn = "";
  watchFigures();
}

listenToTheme(document.querySelector(".dlr-theme"));
drawParts();
