// Classifies an image: a file, a drawing, or a sample.

import draw from "../draw/draw.js";
import { classAnswer, classify } from "./classes.js";
import { decodeImage, normalize, toModelImage } from "./images.js";
import { fileInput, sampleButtons } from "./inputs.js";

const decodeBytes = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

function decodeDrawing(strokes) {
  const gray = decodeBytes(strokes);
  const side = Math.sqrt(gray.length);
  const data = new Uint8ClampedArray(3 * gray.length);
  gray.forEach((value, i) => {
    data.fill(value, 3 * i, 3 * i + 3);
  });
  return { data, width: side, height: side, channels: 3 };
}

export const imageSample = (address) => new Blob([decodeBytes(address.split(",")[1])], { type: "image/png" });

export function addImageInput(root, settings, submit) {
  const drawing = root.querySelector(".dl-draw");
  const parent = root.querySelector(".dl-model-input");
  if (drawing) {
    parent.append(drawing);
    const setStateValue = (_, strokes) => strokes && submit(strokes);
    draw({ parentElement: root, setStateValue });
  }
  fileInput(parent, { label: "Choose or drop an image", accept: "image/*", submit });
  const show = (button, address, i) => {
    const image = document.createElement("img");
    Object.assign(image, { src: address, alt: `Test sample ${i + 1}` });
    button.append(image);
  };
  sampleButtons(parent, settings.samples, show, (address) => submit(imageSample(address)));
}

// Returns the image that the network reads, from a file or from the strokes of a drawing.
export async function readImage(source, settings) {
  const image = typeof source === "string" ? decodeDrawing(source) : await decodeImage(source);
  return toModelImage(image, settings);
}

export const imageModel = {
  addInput: addImageInput,
  async prepare(source, settings) {
    const image = await readImage(source, settings);
    return { input: { type: "float32", data: normalize(image, settings), shape: settings.shape } };
  },
  async answer(prepared, run, settings) {
    return classify((await run(prepared)).data, settings);
  },
  show: (answer, settings) => classAnswer(answer, settings.labels),
};
