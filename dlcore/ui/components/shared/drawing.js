// What every drawing component shares: plotly.js loaded once for the page, packed arrays, the theme's colours.

const PLOTLY_URL = "app/static/PLOTLY_FILE";
const ORDER = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]; // as in dlcore/plots/palette.py

function loadPlotly() {
  window.dlcorePlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = PLOTLY_URL;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.dlcorePlotly = undefined;
      reject(new Error("plotly.js did not load: check that the server is running, then reload the page"));
    };
    document.head.append(script);
  });
  return window.dlcorePlotly;
}

function decode(packed) {
  const text = atob(packed.base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const types = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array };
  return new types[packed.type](bytes.buffer);
}

function theme(element) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  return {
    text: read("--st-text-color", style.color),
    ground: read("--st-background-color", "#ffffff"),
    raised: read("--st-secondary-background-color", "#f5f6f8"),
    line: read("--st-border-color-light", read("--st-border-color", "rgba(128,128,128,0.25)")),
    font: read("--st-font", style.fontFamily),
  };
}

function axis(colours, more) {
  return {
    gridcolor: colours.line, zerolinecolor: colours.line, linecolor: colours.line, automargin: true,
    tickfont: { size: 12 }, ...more,
  };
}

function layoutFor(colours, more) {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true,
    font: { color: colours.text, family: colours.font, size: 13 },
    hoverlabel: { bgcolor: colours.raised, bordercolor: colours.line, font: { color: colours.text, size: 12 }, namelength: -1 },
    ...more,
  };
}

const PLOT_CONFIG = { displaylogo: false, displayModeBar: false, responsive: true, doubleClick: "reset" };

// Draws again when the reader switches between light and dark. One timer a component, for its latest drawing.
function watch(root, redraw) {
  root.dlcoreRedraw = redraw;
  if (root.dlcoreTimer) return;
  let seen = JSON.stringify(theme(root));
  root.dlcoreTimer = setInterval(() => {
    if (!root.isConnected) { clearInterval(root.dlcoreTimer); root.dlcoreTimer = undefined; return; }
    const now = JSON.stringify(theme(root));
    if (now !== seen) { seen = now; root.dlcoreRedraw(); }
  }, 700);
}
