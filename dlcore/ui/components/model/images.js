// Preprocessing of images, equal to that in Python: a photo or a drawing to the input of a network.

import { BICUBIC, BILINEAR, BOX, onWhite, resize, resizeLarge, roundEven, toGray } from "./pillow.js";

const GAP = 3;

// Decodes an image file; rotation by EXIF is applied, transparency becomes white.
export async function decodeImage(file) {
  const options = { premultiplyAlpha: "none", colorSpaceConversion: "none", imageOrientation: "from-image" };
  const bitmap = await createImageBitmap(file, options);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return onWhite(context.getImageData(0, 0, bitmap.width, bitmap.height));
}

// Resizes the shorter side of a photo to `side` and crops the center square.
function cropSquare(image, side) {
  if (image.width === side && image.height === side) return image;
  const square = Math.min(image.width, image.height);
  const [left, top] = [(image.width - square) / 2, (image.height - square) / 2];
  return resizeLarge(image, [side, side], BICUBIC, [left, top, left + square, top + square], GAP);
}

const median = (values) => {
  const sorted = Uint8Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

function isLight({ data, width, height }) {
  const border = [];
  for (let x = 0; x < width; x++) border.push(data[x], data[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) border.push(data[y * width], data[y * width + width - 1]);
  return median(border) > 127;
}

function cropToObject({ data, width, height }) {
  let background = 255;
  let brightest = 0;
  for (const value of data) {
    background = Math.min(background, value);
    brightest = Math.max(brightest, value);
  }
  const limit = background + Math.max(16, Math.floor((brightest - background) / 8));
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let i = 0; i < data.length; i++) {
    if (data[i] <= limit) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y + 1);
  }
  if (!box.right) Object.assign(box, { left: 0, top: 0, right: width, bottom: height });
  const out = { width: box.right - box.left, height: box.bottom - box.top, channels: 1 };
  out.data = new Uint8ClampedArray(out.width * out.height);
  for (let y = 0; y < out.height; y++) {
    const start = (y + box.top) * width + box.left;
    out.data.set(data.subarray(start, start + out.width), y * out.width);
  }
  return { object: out, background };
}

function paste(image, [width, height], [left, top], background) {
  const out = { data: new Uint8ClampedArray(width * height).fill(background), width, height, channels: 1 };
  for (let y = 0; y < image.height; y++)
    out.data.set(image.data.subarray(y * image.width, (y + 1) * image.width), (y + top) * width + left);
  return out;
}

// Fits a bright object on a dark background into [width, height] with its aspect ratio.
export function frame(image, [width, height]) {
  const gray = isLight(image) ? { ...image, data: image.data.map((value) => 255 - value) } : image;
  if (gray.width === width && gray.height === height) return gray;
  const { object, background } = cropToObject(gray);
  const scale = Math.min(height / object.height, width / object.width);
  const size = [object.width, object.height].map((length) => Math.max(1, roundEven(length * scale)));
  const small = resize(object, size, scale < 0.5 ? BOX : BILINEAR);
  const corner = [Math.floor((width - size[0]) / 2), Math.floor((height - size[1]) / 2)];
  return paste(small, [width, height], corner, background);
}

// Puts an image on black with its center of mass in the middle, as in MNIST.
export function centerByMass(image, side) {
  const moments = { mass: 0, x: 0, y: 0 };
  image.data.forEach((value, i) => {
    moments.mass += value;
    moments.x += value * ((i % image.width) + 0.5);
    moments.y += value * (Math.floor(i / image.width) + 0.5);
  });
  if (!moments.mass) return paste({ ...image, height: 0 }, [side, side], [0, 0], 0);
  const place = (moment, length) => Math.min(Math.max(0, roundEven(side / 2 - moment / moments.mass)), side - length);
  return paste(image, [side, side], [place(moments.x, image.width), place(moments.y, image.height)], 0);
}

// Returns the image that the network reads, in 8 bits.
export function toModelImage(image, { height, width, channels, box }) {
  if (channels === 3) return cropSquare(image, height);
  if (!box) return frame(toGray(image), [width, height]);
  return centerByMass(frame(toGray(image), [box, box]), height);
}

// Normalizes 8-bit pixels to float32, channels first.
export function normalize({ data, width, height, channels }, { mean, std }) {
  const values = new Float32Array(data.length);
  const [means, stds] = [Float32Array.from(mean), Float32Array.from(std)];
  const area = width * height;
  for (let channel = 0; channel < channels; channel++)
    for (let i = 0; i < area; i++) {
      const scaled = Math.fround(Math.fround(data[i * channels + channel] / 255) - means[channel]);
      values[channel * area + i] = scaled / stds[channel];
    }
  return values;
}
