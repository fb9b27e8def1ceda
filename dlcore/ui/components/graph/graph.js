// The computational graph of a network.

import { showGraph } from "./view.js";

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dlg");
  if (root.dataset.drawn === data.version) return;
  showGraph(root, data);
  root.dataset.drawn = data.version;
}
