// The computational graph of a network.

import { graphIn } from "./view.js";

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dlg");
  if (root.dataset.drawn === data.version) return;
  graphIn(root, data);
  root.dataset.drawn = data.version;
}
