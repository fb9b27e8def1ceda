// Loads plotly.js once per page; axis and layout defaults in the theme of the app.

const PLOTLY_URL = new URL("../../PLOTLY_FILE", import.meta.url).href;

export function loadPlotly() {
  window.dlcorePlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = PLOTLY_URL;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.dlcorePlotly = undefined;
      reject(new Error("plotly.js did not load. Restart the server, which copies it into static/."));
    };
    document.head.append(script);
  });
  return window.dlcorePlotly;
}

// Text from data: Plotly would show links and images in it.
export const plotText = (text) => String(text).replaceAll("<", "&lt;");

export function axisLayout(colors, overrides) {
  return {
    gridcolor: colors.line,
    zerolinecolor: colors.line,
    linecolor: colors.line,
    automargin: true,
    tickfont: { size: document.querySelector(".dl-presenting") ? 17 : 12 },
    ...overrides,
  };
}

export function plotLayout(colors, overrides) {
  const isPresented = document.querySelector(".dl-presenting") !== null;
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    autosize: true,
    font: { color: colors.text, family: colors.font, size: isPresented ? 18 : 13 },
    hoverlabel: {
      bgcolor: colors.raised,
      bordercolor: colors.line,
      font: { color: colors.text, size: 12 },
      namelength: -1,
    },
    ...overrides,
  };
}

export const PLOT_CONFIG = { displaylogo: false, displayModeBar: false, responsive: true, doubleClick: "reset" };
