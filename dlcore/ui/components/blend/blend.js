// Blends an image with its attribution map; the slider works without the server.

import { decode } from "../shared/arrays.js";
import { markup, setMarkup } from "../shared/markup.js";
import { keep, recall } from "../shared/memory.js";

const NEGATIVE = [0, 114, 178];
const ZERO = [247, 247, 247];
const POSITIVE = [213, 94, 0]; // as in dlcore/plots/attribution.py

function mapColor(value, channel) {
  const target = value < 0 ? NEGATIVE : POSITIVE;
  const strength = Math.abs(value);
  return ZERO[channel] + (target[channel] - ZERO[channel]) * strength;
}

function paint(root) {
  const { data, pixels, map } = root.dlcoreModel;
  const [height, width] = data.size;
  const canvas = root.querySelector("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const share = Number(root.querySelector("input").value) / 100;
  for (let i = 0; i < height * width; i++) {
    const value = (map[i] - 127) / 127;
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = (1 - share) * pixels[3 * i + c] + share * mapColor(value, c);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-blend");
  if (root.dataset.version === data.version) return;
  root.dataset.version = data.version;
  root.dlcoreModel = { data, pixels: decode(data.image), map: decode(data.map) };
  const swatch = (color, label) => markup`<span><i style="background: rgb(${color.join(",")})"></i>${label}</span>`;
  const swatches = [swatch(POSITIVE, "evidence for the class")];
  if (!data.oneSided) swatches.push(swatch(NEGATIVE, "evidence against the class"));
  setMarkup(root.querySelector(".dl-blend-legend"), swatches);
  const slider = root.querySelector("input");
  const share = recall("blend")?.share ?? slider.value;
  slider.value = share;
  slider.onchange = () =>
    keep(root, "blend", { share: Number(slider.value) }, { initial: { share: Number(slider.defaultValue) } });
  slider.onchange();
  let isScheduled = false;
  slider.oninput = () => {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      paint(root);
    });
  };
  root.dlcoreTable = () => {
    const { map } = root.dlcoreModel;
    const width = data.size[1];
    return [
      ["row", "column", "contribution"],
      ...Array.from(map, (v, i) => [Math.floor(i / width), i % width, (v - 127) / 127]),
    ];
  };
  paint(root);
}
