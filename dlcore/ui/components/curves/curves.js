// Training curves that are extended while a run trains and keep the zoom.

import { keep, recall } from "../shared/memory.js";
import { PALETTE } from "../shared/palette.js";
import { axisLayout, loadPlotly, PLOT_CONFIG, plotLayout } from "../shared/plotly.js";
import { onThemeChange, readTheme } from "../shared/theme.js";
import { visibleRows } from "./rows.js";
import { fallsFar, unpack } from "./series.js";
import { buildMarks, lineTraces, starTrace } from "./traces.js";

const SYMBOLS = ["", "square", "triangle-up", "x"]; // with more runs than colors
const MEMORY = "curves";
const AXIS_TITLES = { epoch: "Epoch", step: "Optimizer step", seconds: "Training time (s)", samples: "Samples seen" };

function buildAxes(rows, settings) {
  const weights = rows.map((row) => (row.small ? 0.4 : 1));
  const sum = weights.reduce((a, b) => a + b, 0);
  const gap = 0.09;
  const available = 1 - gap * (rows.length - 1);
  const axes = {};
  let top = 1;
  rows.forEach((row, i) => {
    const height = (available * weights[i]) / sum;
    axes[i ? `yaxis${i + 1}` : "yaxis"] = axisLayout(settings.colors, {
      domain: [Math.max(0, top - height), top],
      anchor: "x",
      type: settings.log && row.title === "Loss" ? "log" : "linear",
      title: {
        text: settings.several && !row.small ? `${row.title} (dashed: validation)` : row.title,
        font: { size: 12 },
        standoff: 8,
      },
      uirevision: `${settings.shown}-${settings.log}`,
      nticks: row.small ? 3 : 7,
      ...(settings.log && settings.far && row.title === "Loss" ? { dtick: 1 } : {}),
      exponentformat: "power",
      tickformat: row.small ? ".1~e" : "",
    });
    top -= height + gap;
  });
  axes.xaxis = axisLayout(settings.colors, {
    title: { text: AXIS_TITLES[settings.kind], font: { size: 12 }, standoff: 8 },
    anchor: rows.length > 1 ? `y${rows.length}` : "y",
    uirevision: `${settings.shown}-${settings.kind}`,
    showspikes: true,
    spikemode: "across",
    spikethickness: 1,
    spikedash: "dot",
    spikecolor: settings.colors.line,
    rangemode: "tozero",
  });
  return axes;
}

function draw(Plotly, root, runs, settings) {
  const rows = visibleRows(runs).filter((row) => !settings.height || !row.small);
  const isMany = runs.length > 1;
  const plot = root.querySelector(".dl-plot");
  root.classList.toggle("dl-empty", rows.length === 0);
  if (!rows.length) {
    Plotly.purge(plot);
    return;
  }
  const traces = runs.flatMap((run) => [
    ...rows.flatMap((row, i) => lineTraces(run, row, i, settings, isMany)),
    ...starTrace(run, rows, settings, isMany),
  ]);
  const marks = runs.flatMap((run) => buildMarks(run, settings));
  const height = settings.height || rows.reduce((sum, row) => sum + (row.small ? 95 : 215), 100);
  const layout = plotLayout(settings.colors, {
    ...buildAxes(rows, settings),
    height,
    margin: { l: 8, r: 12, t: 40, b: 8 },
    hovermode: "x unified",
    hoversubplots: "axis",
    uirevision: "keep",
    showlegend: true,
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left", font: { size: 12 } },
    shapes: marks.map((mark) => ({
      type: "line",
      x0: mark.x,
      x1: mark.x,
      y0: 0,
      y1: 1,
      yref: "paper",
      line: { color: settings.colors.text, width: 1, dash: "dot" },
      opacity: 0.6,
    })),
    annotations: marks.map((mark) => ({
      x: mark.x,
      y: 1,
      yref: "paper",
      text: mark.text,
      showarrow: false,
      textangle: -90,
      xanchor: "right",
      yanchor: "top",
      font: { size: 11 },
    })),
  });
  plot.style.minHeight = `${height}px`;
  Plotly.react(plot, traces, layout, PLOT_CONFIG);
}

function describe(runs) {
  return runs
    .map((run) => {
      const parts = ["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"].flatMap((name) => {
        const values = run.curves[name]?.values;
        if (!values?.length) return [];
        return [
          `${name.replace("_", " ")} from ${values[0].toPrecision(3)} to ${values[values.length - 1].toPrecision(3)}`,
        ];
      });
      return `${run.label}: ${parts.join(", ") || "no values yet"}${run.best ? `; best epoch ${run.best.epoch}` : ""}`;
    })
    .join(". ");
}

export default async function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-curves");
  root.dataset.version = data.version;
  const runs = data.runs.map(unpack).map((run, i) => ({
    ...run,
    uid: `run-${run.id.replaceAll(/[^a-z0-9]/gi, "-")}`,
    color: PALETTE[(run.color ?? i) % PALETTE.length],
    symbol: SYMBOLS[Math.floor((run.color ?? i) / PALETTE.length) % SYMBOLS.length],
  }));
  const [slider, kind, log] = ["range", "select", "check"].map((name) => root.querySelector(`.dl-${name}`));
  const Plotly = await loadPlotly();
  if (root.dataset.version !== data.version) return; // a newer call came while plotly.js was loading
  const redraw = () => {
    root.querySelector("output").value = Number(slider.value).toFixed(2);
    draw(Plotly, root, runs, {
      smoothing: Number(slider.value),
      kind: kind.value,
      height: data.height,
      log: log.checked,
      far: runs.some(fallsFar),
      shown: runs[0].uid,
      several: runs.length > 1,
      colors: readTheme(root),
    });
  };
  const initial = { smoothing: Number(slider.defaultValue), x: "epoch", log: runs.some(fallsFar) };
  const save = () => {
    const isLog = root.dataset.touched ? log.checked : initial.log;
    const fields = { smoothing: Number(slider.value), x: kind.value, log: isLog };
    keep(root, MEMORY, fields, { initial });
  };
  let frame = 0;
  slider.oninput = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(redraw);
  };
  slider.onchange = save;
  kind.onchange = () => {
    save();
    redraw();
  };
  log.onchange = () => {
    root.dataset.touched = "yes";
    save();
    redraw();
  };
  const saved = root.dataset.drawn ? null : recall(MEMORY);
  if (saved) {
    slider.value = saved.smoothing ?? slider.value;
    if (saved.x in AXIS_TITLES) kind.value = saved.x;
    if (typeof saved.log === "boolean" && saved.log !== initial.log) {
      root.dataset.touched = "yes";
      log.checked = saved.log;
    }
    save();
  }
  if (!root.dataset.touched) log.checked = initial.log;
  root.querySelector(".dl-plot").setAttribute("aria-label", `Training curves. ${describe(runs)}`);
  redraw();
  root.dataset.drawn = data.version;
  onThemeChange(root, redraw);
}
