// Blends an image with its attribution map; the slider works without the server.

import { decode } from "../shared/arrays.js";

const AGAINST = [0, 114, 178];
const NOTHING = [247, 247, 247];
const FOR = [213, 94, 0]; // as in dlcore/plots/attribution.py

function colourOf(value, part) {
  const end = value < 0 ? AGAINST : FOR;
  const strength = Math.abs(value);
  return NOTHING[part] + (end[part] - NOTHING[part]) * strength;
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
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = (1 - share) * pixels[3 * i + c] + share * colourOf(value, c);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-blend");
  if (root.dataset.version === data.version) return;
  root.dataset.version = data.version;
  root.dlcoreModel = { data, pixels: decode(data.picture), map: decode(data.map) };
  const swatch = (colour, words) => `<span><i style="background: rgb(${colour.join(",")})"></i>${words}</span>`;
  root.querySelector(".dl-blend-legend").innerHTML =
    swatch(FOR, "speaks for it") + (data.oneSided ? "" : swatch(AGAINST, "speaks against it"));
  let waiting = false;
  root.querySelector("input").oninput = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint(root);
    });
  };
  paint(root);
}
