// Plotly traces of training curves: lines, bands over seeds, best epochs.

import { ROWS } from "./rows.js";
import { across, smooth, thin } from "./series.js";

const DASH = { train: "solid", validation: "5px,3px", "each batch": "solid", "learning rate": "solid" };

export function lineTraces(run, row, index, set, several) {
  const traces = [];
  for (const [name, part] of row.curves) {
    const curve = run.curves[name];
    if (!curve?.values.length) continue;
    const x = across(run, curve.steps, set.kind);
    const batch = part === "each batch";
    const label = several ? run.label : part; // of several runs each is named once; its dashes tell validation
    const line = {
      color: run.colour,
      dash: DASH[part],
      width: batch ? 1 : 2.2,
      shape: part === "learning rate" ? "hv" : "linear",
    };
    const spot = {
      yaxis: index ? `y${index + 1}` : "y",
      xaxis: "x",
      type: "scatter",
      legendgroup: several ? run.uid : label,
      uid: `${run.uid}-${name}`,
    };
    const few = curve.values.length < 40 && !batch && part !== "learning rate";
    const smoothed = set.smoothing > 0 && part !== "learning rate";
    if (run.reported) Object.assign(line, { dash: part === "validation" ? "dot" : "longdashdot", width: 1.5 });
    if (curve.low) traces.push(...bandTraces(run, curve, name, x, spot, smoothed ? set.smoothing : 0));
    else if (smoothed) {
      const [sx, sy] = thin(x, curve.values);
      traces.push({
        ...spot,
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
    const [lx, ly] = thin(x, smooth(curve.values, smoothed ? set.smoothing : 0));
    traces.push({
      ...spot,
      x: lx,
      y: ly,
      name: label,
      line,
      opacity: batch && !smoothed ? 0.45 : 1,
      mode: few ? "lines+markers" : "lines",
      marker: { size: 5, color: run.colour, symbol: part === "validation" ? "diamond" : "circle" },
      showlegend: several ? name === legendOf(run) : index === 0 || !ROWS[0].curves.some(([, other]) => other === part),
      hovertemplate: several ? `%{y:.4~g} ${part}` : "%{y:.4~g}",
    });
  }
  return traces;
}

function legendOf(run) {
  // the curve that stands for a run in the legend of several
  return ["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"].find(
    (name) => run.curves[name]?.values.length,
  );
}

// From the lowest to the highest of several seeds, behind their mean.
function bandTraces(run, curve, name, x, spot, smoothing) {
  const edge = { ...spot, mode: "lines", line: { width: 0, color: run.colour }, hoverinfo: "skip", showlegend: false };
  return [
    ["low", {}],
    ["high", { fill: "tonexty", fillcolor: `${run.colour}2e` }],
  ].map(([part, more]) => {
    const [ex, ey] = thin(x, smooth(curve[part], smoothing));
    return { ...edge, ...more, uid: `${run.uid}-${name}-${part}`, x: ex, y: ey };
  });
}

export function starTrace(run, rows, set, several) {
  const row = rows.findIndex((one) => one.curves.some(([name]) => name === run.best?.metric));
  const curve = run.curves[run.best?.metric];
  if (row < 0 || !curve) return [];
  const step = Math.round(run.best.epoch * run.steps_per_epoch);
  const at = Array.from(curve.steps).reduce(
    (near, s, i) => (Math.abs(s - step) < Math.abs(curve.steps[near] - step) ? i : near),
    0,
  );
  const name = several ? run.label : `best epoch (${run.best.epoch})`;
  return [
    {
      type: "scatter",
      mode: "markers",
      name,
      x: [across(run, [curve.steps[at]], set.kind)[0]],
      y: [smooth(curve.values, set.smoothing)[at]],
      xaxis: "x",
      legendgroup: several ? run.uid : "best",
      showlegend: !several,
      yaxis: row ? `y${row + 1}` : "y",
      uid: `${run.uid}-best`,
      marker: { symbol: "star", size: 15, color: run.colour, line: { width: 1.5, color: set.colours.text } },
      hovertemplate: `${run.best.metric.replaceAll("_", " ")} %{y:.4~g}`,
      cliponaxis: false,
    },
  ];
}

export function marksOf(run, set) {
  return (run.marks ?? [])
    .map((mark) => ({ x: across(run, [mark.step], set.kind)[0], text: mark.text, colour: run.colour }))
    .filter((mark) => mark.x !== null);
}
