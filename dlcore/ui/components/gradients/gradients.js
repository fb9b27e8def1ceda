// Heat map of the gradient norm by layer and step.

import { decode } from "../shared/arrays.js";
import { axisLayout, loadPlotly, PLOT_CONFIG, plotLayout, plotText } from "../shared/plotly.js";
import { onThemeChange, readTheme } from "../shared/theme.js";

const MOST_COLUMNS = 400;

// At most 400 columns, each the geometric mean of a group of steps.
function buildGrid(norms, steps, layers) {
  const count = steps.length;
  const width = layers.length;
  const group = Math.ceil(count / MOST_COLUMNS);
  const x = [];
  const z = layers.map(() => []);
  for (let from = 0; from < count; from += group) {
    const to = Math.min(count, from + group);
    x.push(steps[to - 1]);
    for (let layer = 0; layer < width; layer++) {
      let sum = 0;
      let positive = 0;
      for (let i = from; i < to; i++) {
        const norm = norms[i * width + layer];
        if (norm > 0) {
          sum += Math.log10(norm);
          positive += 1;
        }
      }
      z[layer].push(positive ? sum / positive : null);
    }
  }
  return [x, z];
}

export default async function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-gradients");
  root.dataset.version = data.version;
  const Plotly = await loadPlotly();
  if (root.dataset.version !== data.version) return;
  const [steps, z] = buildGrid(decode(data.norms), decode(data.steps), data.layers);
  const plot = root.querySelector(".dl-plot");
  const redraw = () => {
    const colors = readTheme(root);
    const height = Math.max(190, 96 + (data.row_height ?? 22) * data.layers.length);
    plot.style.minHeight = `${height}px`;
    Plotly.react(
      plot,
      [
        {
          type: "heatmap",
          x: steps,
          y: data.layers.map(plotText),
          z,
          colorscale: "Viridis",
          customdata: z.map((row) => row.map((value) => (value === null ? 0 : 10 ** value))),
          hovertemplate: "%{y}, step %{x}<br>norm %{customdata:.2~e}<extra></extra>",
          colorbar: {
            title: { text: "log₁₀ norm", side: "right", font: { size: 12 } },
            thickness: 12,
            outlinewidth: 0,
            tickfont: { size: 11 },
          },
        },
      ],
      plotLayout(colors, {
        height,
        margin: { l: 8, r: 8, t: 12, b: 8 },
        uirevision: "keep",
        xaxis: axisLayout(colors, {
          title: { text: "Optimizer step", font: { size: 12 }, standoff: 8 },
          showgrid: false,
        }),
        yaxis: axisLayout(colors, { autorange: "reversed", showgrid: false, type: "category", tickfont: { size: 11 } }),
      }),
      PLOT_CONFIG,
    );
  };
  redraw();
  root.dataset.drawn = data.version;
  onThemeChange(root, redraw);
}
