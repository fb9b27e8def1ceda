// Colors and font of the Streamlit theme, and a callback when the theme changes.

export function readTheme(element) {
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

// Calls `redraw` when the theme changes; one timer per component.
export function onThemeChange(root, redraw) {
  root.dlcoreRedraw = redraw;
  if (root.dlcoreTimer) return;
  let previous = JSON.stringify(readTheme(root));
  root.dlcoreTimer = setInterval(() => {
    if (!root.isConnected) {
      clearInterval(root.dlcoreTimer);
      root.dlcoreTimer = undefined;
      return;
    }
    const current = JSON.stringify(readTheme(root));
    if (current !== previous) {
      previous = current;
      root.dlcoreRedraw();
    }
  }, 700);
}
