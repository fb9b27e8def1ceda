// Thumbnails with captions; a click reports the index of one.

import { htmlElement } from "../shared/dom.js";

const SMALL = 64; // pixels: smaller images are enlarged without blur

function build(root, items) {
  root.replaceChildren();
  items.forEach(({ image, caption }, index) => {
    const button = htmlElement("button", { type: "button" }, root);
    const thumbnail = htmlElement("img", { src: image, alt: "" }, button);
    thumbnail.addEventListener("load", () => thumbnail.classList.toggle("dl-small", thumbnail.naturalWidth < SMALL));
    htmlElement("span", {}, button, caption);
    button.addEventListener("click", () => {
      select(root, index);
      root.dlcoreReport("picked", index);
    });
  });
}

function select(root, selected) {
  for (const [index, button] of [...root.children].entries()) button.setAttribute("aria-pressed", index === selected);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".dl-gallery");
  root.dlcoreReport = setTriggerValue;
  root.setAttribute("aria-label", data.label);
  if (root.dataset.version !== data.version) {
    build(root, data.items);
    root.dataset.version = data.version;
  }
  select(root, data.selected);
}
