// Scores the points of a series from a CSV file, and forecasts a table.

import { axisLayout, loadPlotly, PLOT_CONFIG, plotLayout } from "../shared/plotly.js";
import { readTheme } from "../shared/theme.js";
import { fileInput, sampleButtons } from "./inputs.js";
import { readTable } from "./tables.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function addSeriesInput(root, settings, submit) {
  const parent = root.querySelector(".dl-model-input");
  fileInput(parent, { label: settings.label, accept: ".csv,text/csv", submit });
  const show = (button, { name }) => {
    button.textContent = name;
  };
  sampleButtons(parent, settings.samples, show, ({ text }) => submit(text));
}

const readSource = async (source) => readTable(typeof source === "string" ? source : await source.text());

// --- scores -----------------------------------------------------------------------------------------------------

function calendarWaves(time, cycles) {
  const day = (time % DAY) / DAY;
  const positions = { day, week: ((Math.floor(time / DAY) + 3 + day) % 7) / 7 };
  return cycles.flatMap((cycle) => [
    Math.sin(2 * Math.PI * positions[cycle]),
    Math.cos(2 * Math.PI * positions[cycle]),
  ]);
}

// The scaled features of all points (T x F): the value, and sine and cosine of each cycle.
function scaleFeatures({ times, values }, { cycles, low, high }) {
  const rows = times.map((time, i) => [values[i], ...calendarWaves(time, cycles)]);
  const span = low.map((value, k) => (high[k] > value ? high[k] - value : 1));
  return Float32Array.from(rows.flatMap((row) => row.map((value, k) => (value - low[k]) / span[k])));
}

// One batch of windows that begin at `first`; the last window is repeated.
function windowBatch(series, features, first, settings) {
  const { rows, window: length, places, train_step: step } = settings;
  const width = features.length / series.times.length;
  const windows = new Float32Array(rows * length * width);
  const [starts, ends] = [new Int32Array(rows), new Int32Array(rows)];
  const place = (i) => Math.floor((series.times[i] % (places * step)) / step);
  for (let row = 0; row < rows; row++) {
    const begin = Math.min(first + row, series.times.length - length);
    windows.set(features.subarray(begin * width, (begin + length) * width), row * length * width);
    starts[row] = place(begin);
    ends[row] = place(begin + length - 1);
  }
  return {
    windows: { type: "float32", data: windows, shape: [rows, length, width] },
    starts: { type: "int32", data: starts, shape: [rows] },
    ends: { type: "int32", data: ends, shape: [rows] },
  };
}

const trailingMean = (scores, count) => {
  const sums = [0];
  for (const score of scores) sums.push(sums[sums.length - 1] + score);
  return scores.map((_, i) => (sums[i + 1] - sums[Math.max(0, i + 1 - count)]) / Math.min(count, i + 1));
};

export const scoreModel = {
  addInput: addSeriesInput,
  async prepare(source, settings) {
    const { times, columns, step } = await readSource(source);
    if (columns.length !== 1) throw new Error("The file needs one time column and one column of values.");
    const missing = columns[0].findIndex(Number.isNaN);
    if (missing >= 0) throw new Error(`Row ${missing + 2}: the value is missing.`);
    if (times.length < settings.window) throw new Error(`This model needs at least ${settings.window} rows.`);
    const series = { times, values: columns[0], step };
    return { series, features: scaleFeatures(series, settings) };
  },
  async answer({ series, features }, run, settings) {
    const count = series.times.length - settings.window + 1;
    const scores = [];
    for (let first = 0; first < count; first += settings.rows) {
      const { data } = await run(windowBatch(series, features, first, settings));
      scores.push(...data.subarray(0, Math.min(settings.rows, count - first)));
    }
    const smooth = Math.max(1, Math.round((settings.smoothing_h * HOUR) / series.step));
    const unscored = Array(settings.window - 1).fill(0);
    return { series, scores: [...unscored, ...trailingMean(scores, smooth)] };
  },
  show({ series, scores }, settings, root) {
    const alarms = scores.filter((score) => score > settings.threshold).length;
    const head = document.createElement("p");
    const bold = document.createElement("b");
    bold.textContent = `${alarms} of ${scores.length} points above the threshold`;
    head.append(bold);
    const times = series.times.map((time) => new Date(time).toISOString().slice(0, 16));
    const isAlarm = scores.map((score) => score > settings.threshold);
    const traces = [
      { x: times, y: Array.from(series.values), name: "value", line: { width: 1 } },
      {
        x: times.filter((_, i) => isAlarm[i]),
        y: Array.from(series.values).filter((_, i) => isAlarm[i]),
        name: "alarm",
        mode: "markers",
        marker: { symbol: "x", size: 7, color: "#d55e00" },
      },
    ];
    return [head, chart(traces, root)];
  },
};

// --- forecasts --------------------------------------------------------------------------------------------------

const oneHot = (size, index) => Array.from({ length: size }, (_, i) => Number(i === index));

const calendarOneHot = (time) => [
  ...oneHot(24, Math.floor(time / HOUR) % 24),
  ...oneHot(7, (Math.floor(time / DAY) + 3) % 7),
];

// Fills missing values of a column with the last one before, or with `start`.
function fillForward(column, start) {
  let last = start;
  return column.map((value) => {
    if (!Number.isNaN(value)) last = value;
    return last;
  });
}

// The inputs (F) of row i: scaled values, then differences, missing mask and calendar as the model takes them.
function tableFeatures(i, { columns, filled, times }, { mean, deviation, change, inputs }) {
  const values = filled.map((column, v) => (column[i] - mean[v]) / deviation[v]);
  const scale = change ? change[0] : deviation;
  const differences = filled.map((column, v) => (column[i] - column[Math.max(0, i - 1)]) / scale[v]);
  return [
    ...values,
    ...(inputs.difference ? differences : []),
    ...(inputs.mask ? columns.map((column) => Number(Number.isNaN(column[i]))) : []),
    ...(inputs.calendar ? calendarOneHot(times[i]) : []),
  ];
}

export const forecastModel = {
  addInput: addSeriesInput,
  async prepare(source, settings) {
    const { names, times, columns, step } = await readSource(source);
    const missing = settings.names.find((name) => !names.includes(name));
    if (missing) throw new Error(`The file has no column '${missing}'.`);
    if (times.length < settings.window) throw new Error(`This model needs at least ${settings.window} rows.`);
    const table = { times, step, columns: settings.names.map((name) => columns[names.indexOf(name)]) };
    table.filled = table.columns.map((column, v) => fillForward(column, settings.mean[v]));
    const rows = Array.from({ length: settings.window }, (_, i) => times.length - settings.window + i);
    const x = rows.flatMap((i) => tableFeatures(i, table, settings));
    const calendar = calendarOneHot(times[times.length - 1] + step);
    const inputs = {
      x: { type: "float32", data: Float32Array.from(x), shape: [1, rows.length, x.length / rows.length] },
      calendar: { type: "float32", data: Float32Array.from(calendar), shape: [1, calendar.length] },
    };
    return { table, inputs };
  },
  async answer({ table, inputs }, run, settings) {
    const { data } = await run(inputs);
    const { mean, deviation, change, names, horizon } = settings;
    const last = table.filled.map((column) => column[column.length - 1]);
    const value = (h, v) => {
      const output = data[h * names.length + v];
      return change ? output * change[h][v] + last[v] : output * deviation[v] + mean[v];
    };
    const forecast = Array.from({ length: horizon }, (_, h) => names.map((_, v) => value(h, v)));
    return { table, forecast };
  },
  show({ table, forecast }, settings, root) {
    const past = table.times.length - settings.window;
    const stamp = (time) => new Date(time).toISOString().slice(0, 16);
    const times = table.times.slice(past).map(stamp);
    const ahead = forecast.map((_, h) => stamp(table.times[table.times.length - 1] + (h + 1) * table.step));
    const head = document.createElement("p");
    const bold = document.createElement("b");
    const unit = settings.units[0] ? ` ${settings.units[0]}` : "";
    bold.textContent = `${settings.names[0]} at ${ahead[0].replace("T", " ")}: ${forecast[0][0].toPrecision(4)}${unit}`;
    head.append(bold);
    const traces = [
      { x: times, y: Array.from(table.columns[0].slice(past)), name: "measured" },
      { x: ahead, y: forecast.map((row) => row[0]), name: "forecast", mode: "lines+markers" },
    ];
    return [head, chart(traces, root), forecastTable(forecast, ahead, settings)];
  },
};

function forecastTable(forecast, times, { names, units }) {
  const [holder, table] = [document.createElement("div"), document.createElement("table")];
  Object.assign(holder, { className: "dl-model-scroll", tabIndex: 0 });
  holder.setAttribute("role", "region");
  holder.setAttribute("aria-label", "Forecast of every variable");
  const addRow = (cells, tag) => {
    const row = table.insertRow();
    for (const [i, cell] of cells.entries()) {
      const element = document.createElement(i ? tag : "th");
      element.textContent = cell;
      row.append(element);
    }
  };
  addRow(["Variable", ...times.map((time) => time.replace("T", " "))], "th");
  for (const [v, name] of names.entries())
    addRow([units[v] ? `${name}, ${units[v]}` : name, ...forecast.map((row) => row[v].toPrecision(4))], "td");
  holder.append(table);
  return holder;
}

function chart(traces, root) {
  const element = document.createElement("div");
  element.className = "dl-model-chart";
  const draw = async () => {
    const Plotly = await loadPlotly();
    const colors = readTheme(root);
    const layout = {
      ...plotLayout(colors, { height: 260, margin: { l: 50, r: 10, t: 10, b: 40 } }),
      xaxis: axisLayout(colors, {}),
      yaxis: axisLayout(colors, {}),
    };
    Plotly.react(element, traces, layout, PLOT_CONFIG);
  };
  setTimeout(draw); // it has a size once it is in the page
  return element;
}
