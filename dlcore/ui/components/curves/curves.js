
const NAMES = { epoch: "Epoch", step: "Optimiser step", seconds: "Training time (s)", samples: "Samples seen" };
const ROWS = [
  { title: "Loss", curves: [["batch_loss", "each batch"], ["train_loss", "train"], ["validation_loss", "validation"]] },
  { title: "Accuracy", curves: [["train_accuracy", "train"], ["validation_accuracy", "validation"]] },
  { title: "Learning rate", curves: [["learning_rate", "learning rate"]], small: true },
];
const DASH = { train: "solid", validation: "5px,3px", "each batch": "solid", "learning rate": "solid" };
const MOST_POINTS = 2000;

// Exponential moving average without the pull of its start towards zero (Kingma and Ba, 2015, section 3).
function smooth(values, weight) {
  if (weight <= 0) return values;
  const out = new Float64Array(values.length);
  let mean = 0, power = 1;
  for (let i = 0; i < values.length; i++) {
    mean = weight * mean + (1 - weight) * values[i];
    power *= weight;
    out[i] = mean / (1 - power);
  }
  return out;
}

// At most 2,000 points: of each bucket its lowest and its highest stay, so that no spike is lost.
function thin(x, y) {
  if (y.length <= MOST_POINTS) return [Array.from(x), Array.from(y)];
  const buckets = MOST_POINTS / 2, outX = [], outY = [];
  for (let b = 0; b < buckets; b++) {
    const from = Math.floor((b * y.length) / buckets), to = Math.floor(((b + 1) * y.length) / buckets);
    let low = from, high = from;
    for (let i = from; i < to; i++) { if (y[i] < y[low]) low = i; if (y[i] > y[high]) high = i; }
    for (const i of low < high ? [low, high] : low > high ? [high, low] : [low]) { outX.push(x[i]); outY.push(y[i]); }
  }
  return [outX, outY];
}

function interpolate(at, xs, ys) {
  if (!xs.length) return Array.from(at, () => null);
  let j = 0;
  return Array.from(at, (x) => {
    while (j < xs.length - 1 && xs[j + 1] <= x) j++;
    while (j > 0 && xs[j] > x) j--;
    if (j === xs.length - 1 || x <= xs[0]) return x <= xs[0] ? (ys[0] * x) / xs[0] : ys[j];
    return ys[j] + ((ys[j + 1] - ys[j]) * (x - xs[j])) / (xs[j + 1] - xs[j]);
  });
}

function across(run, steps, kind) {
  if (run.reported && kind !== "epoch") return Array.from(steps, () => null); // what others claim is known by epoch alone
  if (kind === "seconds") {
    const clock = run.curves.elapsed_s;
    return clock ? interpolate(steps, clock.steps, clock.values) : Array.from(steps, () => null);
  }
  const factor = { epoch: 1 / run.steps_per_epoch, step: 1, samples: run.batch_size }[kind];
  return Float64Array.from(steps, (step) => step * factor);
}

function unpack(run) {
  const curves = {};
  for (const [name, curve] of Object.entries(run.curves)) {
    curves[name] = Object.fromEntries(Object.entries(curve).map(([part, packed]) => [part, decode(packed)]));
  }
  return { ...run, curves };
}

function varies(curve) {
  return curve && curve.values.some((value) => Math.abs(value - curve.values[0]) > 1e-9 * Math.abs(curve.values[0]));
}

// A loss that falls by more than a hundredfold is a needle and a floor on a linear axis.
function fallsFar(run) {
  return ["train_loss", "validation_loss"].some((name) => {
    const values = run.curves[name]?.values ?? [];
    const low = Math.min(...values), high = Math.max(...values);
    return values.length > 1 && low > 0 && high / low > 100;
  });
}

function rowsOf(runs) {
  return ROWS.filter((row) => runs.some((run) => row.curves.some(([name]) =>
    name === "learning_rate" ? varies(run.curves[name]) : run.curves[name]?.values.length)));
}

function lineTraces(run, row, index, set, several) {
  const traces = [];
  for (const [name, part] of row.curves) {
    const curve = run.curves[name];
    if (!curve || !curve.values.length) continue;
    const x = across(run, curve.steps, set.kind), batch = part === "each batch";
    const label = several ? run.label : part; // of several runs each is named once; its dashes tell validation
    const line = { color: run.colour, dash: DASH[part], width: batch ? 1 : 2.2, shape: part === "learning rate" ? "hv" : "linear" };
    const spot = { yaxis: index ? `y${index + 1}` : "y", xaxis: "x", type: "scatter", legendgroup: several ? run.uid : label, uid: `${run.uid}-${name}` };
    const few = curve.values.length < 40 && !batch && part !== "learning rate";
    const smoothed = set.smoothing > 0 && part !== "learning rate";
    if (run.reported) Object.assign(line, { dash: part === "validation" ? "dot" : "longdashdot", width: 1.5 });
    if (curve.low) traces.push(...bandTraces(run, curve, name, x, spot, smoothed ? set.smoothing : 0));
    else if (smoothed) {
      const [sx, sy] = thin(x, curve.values);
      traces.push({ ...spot, uid: `${run.uid}-${name}-raw`, x: sx, y: sy, mode: "lines", line: { ...line, width: 1 }, opacity: 0.25, hoverinfo: "skip", showlegend: false });
    }
    const [lx, ly] = thin(x, smooth(curve.values, smoothed ? set.smoothing : 0));
    traces.push({
      ...spot, x: lx, y: ly, name: label, line, opacity: batch && !smoothed ? 0.45 : 1,
      mode: few ? "lines+markers" : "lines", marker: { size: 5, color: run.colour, symbol: part === "validation" ? "diamond" : "circle" },
      showlegend: several ? name === legendOf(run) : index === 0 || !ROWS[0].curves.some(([, other]) => other === part),
      hovertemplate: several ? `%{y:.4~g} ${part}` : "%{y:.4~g}",
    });
  }
  return traces;
}

function legendOf(run) { // the curve that stands for a run in the legend of several
  return ["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"].find((name) => run.curves[name]?.values.length);
}

// From the lowest to the highest of several seeds, behind their mean.
function bandTraces(run, curve, name, x, spot, smoothing) {
  const edge = { ...spot, mode: "lines", line: { width: 0, color: run.colour }, hoverinfo: "skip", showlegend: false };
  return [["low", {}], ["high", { fill: "tonexty", fillcolor: `${run.colour}2e` }]].map(([part, more]) => {
    const [ex, ey] = thin(x, smooth(curve[part], smoothing));
    return { ...edge, ...more, uid: `${run.uid}-${name}-${part}`, x: ex, y: ey };
  });
}

function starTrace(run, rows, set, several) {
  const row = rows.findIndex((one) => one.curves.some(([name]) => name === run.best?.metric));
  const curve = run.curves[run.best?.metric];
  if (row < 0 || !curve) return [];
  const step = Math.round(run.best.epoch * run.steps_per_epoch);
  const at = Array.from(curve.steps).reduce((near, s, i) => Math.abs(s - step) < Math.abs(curve.steps[near] - step) ? i : near, 0);
  const name = several ? run.label : `best epoch (${run.best.epoch})`;
  return [{
    type: "scatter", mode: "markers", name, x: [across(run, [curve.steps[at]], set.kind)[0]],
    y: [smooth(curve.values, set.smoothing)[at]], xaxis: "x", legendgroup: several ? run.uid : "best", showlegend: !several, yaxis: row ? `y${row + 1}` : "y", uid: `${run.uid}-best`,
    marker: { symbol: "star", size: 15, color: run.colour, line: { width: 1.5, color: set.colours.text } },
    hovertemplate: `${run.best.metric.replaceAll("_", " ")} %{y:.4~g}`, cliponaxis: false,
  }];
}

function marksOf(run, set) {
  return (run.marks ?? []).map((mark) => ({ x: across(run, [mark.step], set.kind)[0], text: mark.text, colour: run.colour }))
    .filter((mark) => mark.x !== null);
}

function axesOf(rows, set) {
  const weights = rows.map((row) => (row.small ? 0.4 : 1)), sum = weights.reduce((a, b) => a + b, 0);
  const gap = 0.09, room = 1 - gap * (rows.length - 1), axes = {};
  let top = 1;
  rows.forEach((row, i) => {
    const height = (room * weights[i]) / sum;
    axes[i ? `yaxis${i + 1}` : "yaxis"] = axis(set.colours, {
      domain: [Math.max(0, top - height), top], anchor: "x", type: set.log && row.title === "Loss" ? "log" : "linear",
      title: { text: set.several && !row.small ? `${row.title} (dashed: validation)` : row.title, font: { size: 12 }, standoff: 8 }, uirevision: `${set.shown}-${set.log}`, nticks: row.small ? 3 : 7, ...(set.log && set.far && row.title === "Loss" ? { dtick: 1 } : {}),
      exponentformat: "power", tickformat: row.small ? ".1~e" : "",
    });
    top -= height + gap;
  });
  axes.xaxis = axis(set.colours, {
    title: { text: NAMES[set.kind], font: { size: 12 }, standoff: 8 }, anchor: rows.length > 1 ? `y${rows.length}` : "y",
    uirevision: `${set.shown}-${set.kind}`, showspikes: true, spikemode: "across", spikethickness: 1, spikedash: "dot", spikecolor: set.colours.line, rangemode: "tozero",
  });
  return axes;
}

function draw(Plotly, root, runs, set) {
  const rows = rowsOf(runs), several = runs.length > 1, plot = root.querySelector(".dl-plot");
  root.classList.toggle("dl-empty", rows.length === 0);
  if (!rows.length) { Plotly.purge(plot); return; }
  const traces = runs.flatMap((run) => [
    ...rows.flatMap((row, i) => lineTraces(run, row, i, set, several)), ...starTrace(run, rows, set, several),
  ]);
  const marks = runs.flatMap((run) => marksOf(run, set));
  const height = rows.reduce((sum, row) => sum + (row.small ? 95 : 215), 100);
  const layout = layoutFor(set.colours, {
    ...axesOf(rows, set), height, margin: { l: 8, r: 12, t: 40, b: 8 }, hovermode: "x unified", hoversubplots: "axis", uirevision: "keep",
    showlegend: true, legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left", font: { size: 12 } },
    shapes: marks.map((mark) => ({ type: "line", x0: mark.x, x1: mark.x, y0: 0, y1: 1, yref: "paper", line: { color: set.colours.text, width: 1, dash: "dot" }, opacity: 0.6 })),
    annotations: marks.map((mark) => ({ x: mark.x, y: 1, yref: "paper", text: mark.text, showarrow: false, textangle: -90, xanchor: "right", yanchor: "top", font: { size: 11 } })),
  });
  plot.style.minHeight = `${height}px`;
  Plotly.react(plot, traces, layout, PLOT_CONFIG);
}

function describe(runs) {
  return runs.map((run) => {
    const parts = ["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"].flatMap((name) => {
      const values = run.curves[name]?.values;
      if (!values?.length) return [];
      return [`${name.replace("_", " ")} from ${values[0].toPrecision(3)} to ${values[values.length - 1].toPrecision(3)}`];
    });
    return `${run.label}: ${parts.join(", ") || "nothing recorded yet"}${run.best ? `; best epoch ${run.best.epoch}` : ""}`;
  }).join(". ");
}

export default async function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-curves");
  root.dataset.version = data.version;
  const runs = data.runs.map(unpack).map((run, i) => ({ ...run, uid: `run-${run.id.replaceAll(/[^a-z0-9]/gi, "-")}`, colour: ORDER[(run.colour ?? i) % ORDER.length] }));
  const [slider, kind, log] = ["range", "select", "check"].map((name) => root.querySelector(`.dl-${name}`));
  const Plotly = await loadPlotly();
  if (root.dataset.version !== data.version) return; // a newer call came while plotly.js was on its way
  const redraw = () => {
    root.querySelector("output").value = Number(slider.value).toFixed(2);
    draw(Plotly, root, runs, { smoothing: Number(slider.value), kind: kind.value, log: log.checked, far: runs.some(fallsFar), shown: runs[0].uid, several: runs.length > 1, colours: theme(root) });
  };
  let frame = 0;
  slider.oninput = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(redraw); };
  kind.onchange = redraw;
  log.onchange = () => { root.dataset.touched = "yes"; redraw(); };
  if (!root.dataset.touched) log.checked = runs.some(fallsFar);
  root.querySelector(".dl-plot").setAttribute("aria-label", `Training curves. ${describe(runs)}`);
  redraw();
  root.dataset.drawn = data.version;
  watch(root, redraw);
}
