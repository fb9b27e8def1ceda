// Plotly traces of training curves: lines, bands over seeds, best epochs.

import { plotText } from "../shared/plotly.js";
import { ROWS } from "./rows.js";
import { downsample, smooth, toAxis } from "./series.js";

const DASH = { train: "solid", validation: "5px,3px", "each batch": "solid", "learning rate": "solid" };

export function lineTraces(run, row, index, settings, isMany) {
  const traces = [];
  for (const [name, split] of row.curves) {
    const curve = run.curves[name];
    if (!curve?.values.length) continue;
    const x = toAxis(run, curve.steps, settings.kind);
    const batch = split === "each batch";
    const label = isMany ? plotText(run.label) : split; // several runs: one legend entry each, validation is dashed
    const line = {
      color: run.color,
      dash: DASH[split],
      width: batch ? 1 : 2.2,
      shape: split === "learning rate" ? "hv" : "linear",
    };
    const common = {
      yaxis: index ? `y${index + 1}` : "y",
      xaxis: "x",
      type: "scatter",
      legendgroup: isMany ? run.uid : label,
      uid: `${run.uid}-${name}`,
    };
    const isShort = curve.values.length < 40 && !batch && split !== "learning rate";
    const smoothed = settings.smoothing > 0 && split !== "learning rate";
    if (run.reported) Object.assign(line, { dash: split === "validation" ? "dot" : "longdashdot", width: 1.5 });
    if (curve.low) traces.push(...bandTraces(run, curve, name, x, common, smoothed ? settings.smoothing : 0));
    else if (smoothed) {
      const [sx, sy] = downsample(x, curve.values);
      traces.push({
        ...common,
        uid: `${run.uid}-${name}-raw`,
        x: sx,
        y: sy,
        mode: "lines",
        line: { ...line, width: 1 },
        opacity: 0.25,
        hoverinfo: "skip",
        showlegend: false,
      });
    }
    const [lx, ly] = downsample(x, smooth(curve.values, smoothed ? settings.smoothing : 0));
    traces.push({
      ...common,
      x: lx,
      y: ly,
      name: label,
      line,
      opacity: batch && !smoothed ? 0.45 : 1,
      mode: isShort || (run.symbol && !batch) ? "lines+markers" : "lines",
      marker: {
        size: run.symbol ? 8 : 5,
        color: run.color,
        symbol: run.symbol || (split === "validation" ? "diamond" : "circle"),
        maxdisplayed: run.symbol ? 20 : 0,
      },
      showlegend: isMany
        ? name === legendCurve(run)
        : index === 0 || !ROWS[0].curves.some(([, other]) => other === split),
      hovertemplate: isMany ? `%{y:.4~g} ${split}` : "%{y:.4~g}",
    });
  }
  return traces;
}

function legendCurve(run) {
  // the run's legend entry if there are several runs
  return ["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"].find(
    (name) => run.curves[name]?.values.length,
  );
}

// From the lowest to the highest of several seeds, behind their mean.
function bandTraces(run, curve, name, x, common, smoothing) {
  const edge = { ...common, mode: "lines", line: { width: 0, color: run.color }, hoverinfo: "skip", showlegend: false };
  return [
    ["low", {}],
    ["high", { fill: "tonexty", fillcolor: `${run.color}2e` }],
  ].map(([split, overrides]) => {
    const [ex, ey] = downsample(x, smooth(curve[split], smoothing));
    return { ...edge, ...overrides, uid: `${run.uid}-${name}-${split}`, x: ex, y: ey };
  });
}

export function starTrace(run, rows, settings, isMany) {
  const row = rows.findIndex((item) => item.curves.some(([name]) => name === run.best?.metric));
  const curve = run.curves[run.best?.metric];
  if (row < 0 || !curve) return [];
  const step = Math.round(run.best.epoch * run.steps_per_epoch);
  const nearest = Array.from(curve.steps).reduce(
    (near, s, i) => (Math.abs(s - step) < Math.abs(curve.steps[near] - step) ? i : near),
    0,
  );
  const name = isMany ? plotText(run.label) : `best epoch (${run.best.epoch})`;
  return [
    {
      type: "scatter",
      mode: "markers",
      name,
      x: [toAxis(run, [curve.steps[nearest]], settings.kind)[0]],
      y: [smooth(curve.values, settings.smoothing)[nearest]],
      xaxis: "x",
      legendgroup: isMany ? run.uid : "best",
      showlegend: !isMany,
      yaxis: row ? `y${row + 1}` : "y",
      uid: `${run.uid}-best`,
      marker: { symbol: "star", size: 15, color: run.color, line: { width: 1.5, color: settings.colors.text } },
      hovertemplate: `${plotText(run.best.metric).replaceAll("_", " ")} %{y:.4~g}`,
      cliponaxis: false,
    },
  ];
}

export function buildMarks(run, settings) {
  return (run.marks ?? [])
    .map((mark) => ({ x: toAxis(run, [mark.step], settings.kind)[0], text: plotText(mark.text), color: run.color }))
    .filter((mark) => mark.x !== null);
}
