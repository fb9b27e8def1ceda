// Resizing and gray values as in Pillow, to the bit: 8-bit samples, fixed-point weights, horizontal before vertical.

const BITS = 22;
const cubic = (x) => {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
};
export const BOX = { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
export const BILINEAR = { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };
export const BICUBIC = { support: 2, weight: cubic };

// Rounds halves to the even number, as Python does.
export function roundEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}

function resampleWeights(length, [from, to], size, filter) {
  const scale = (to - from) / size;
  const stretch = Math.max(1, scale);
  const support = filter.support * stretch;
  return Array.from({ length: size }, (_, i) => {
    const center = from + (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const stop = Math.min(length, Math.trunc(center + support + 0.5));
    const raw = Array.from({ length: stop - start }, (_, x) =>
      filter.weight((x + start - center + 0.5) * (1 / stretch)),
    );
    const total = raw.reduce((sum, weight) => sum + weight, 0) || 1;
    const fixed = raw.map((weight) => {
      const scaled = (weight / total) * 2 ** BITS;
      return Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    });
    return { start, fixed };
  });
}

// Resamples along one axis: lines of `channels` samples; `step` between samples of the axis, `stride` between lines.
function resampleAxis(image, weights, isAcross) {
  const { data, width, height, channels } = image;
  const size = weights.length;
  const out = { data: new Uint8ClampedArray(size * channels * (isAcross ? height : width)), channels };
  [out.width, out.height] = isAcross ? [size, height] : [width, size];
  const step = isAcross ? channels : width * channels;
  for (let line = 0; line < (isAcross ? height : width); line++) {
    const begin = line * (isAcross ? width * channels : channels);
    for (let i = 0; i < size; i++) {
      const { start, fixed } = weights[i];
      for (let channel = 0; channel < channels; channel++) {
        let sum = 2 ** (BITS - 1);
        for (let x = 0; x < fixed.length; x++) sum += data[begin + (start + x) * step + channel] * fixed[x];
        const at = isAcross ? line * size + i : i * width + line;
        out.data[at * channels + channel] = Math.floor(sum / 2 ** BITS);
      }
    }
  }
  return out;
}

// Returns an image { data, width, height, channels } resized to [width, height] from a box [left, top, right, bottom].
export function resize(image, [width, height], filter, box = [0, 0, image.width, image.height]) {
  const needsAcross = width !== image.width || box[0] !== 0 || box[2] !== width;
  const needsDown = height !== image.height || box[1] !== 0 || box[3] !== height;
  let out = image;
  if (needsAcross) out = resampleAxis(out, resampleWeights(image.width, [box[0], box[2]], width, filter), true);
  if (needsDown) out = resampleAxis(out, resampleWeights(image.height, [box[1], box[3]], height, filter), false);
  return out;
}

// Averages blocks of [across, down] pixels of a box of whole pixels.
function reduce(image, [across, down], [left, top, right, bottom]) {
  const { data, channels } = image;
  const width = Math.ceil((right - left) / across);
  const height = Math.ceil((bottom - top) / down);
  const out = { data: new Uint8ClampedArray(width * height * channels), width, height, channels };
  for (let y = 0; y < height; y++) {
    const rows = [top + y * down, Math.min(bottom, top + (y + 1) * down)];
    for (let x = 0; x < width; x++) {
      const columns = [left + x * across, Math.min(right, left + (x + 1) * across)];
      const count = (rows[1] - rows[0]) * (columns[1] - columns[0]);
      const multiplier = Math.floor(2 ** 24 / count);
      for (let channel = 0; channel < channels; channel++) {
        let sum = Math.floor(count / 2);
        for (let row = rows[0]; row < rows[1]; row++)
          for (let column = columns[0]; column < columns[1]; column++)
            sum += data[(row * image.width + column) * channels + channel];
        out.data[(y * width + x) * channels + channel] = Math.floor((sum * multiplier) / 2 ** 24);
      }
    }
  }
  return out;
}

// Resizes like `resize`; a much larger image is first reduced by whole factors, which leaves a gap of `gap` times.
export function resizeLarge(image, size, filter, box, gap) {
  const scales = [(box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1]];
  const factors = scales.map((scale) => Math.trunc(scale / gap) || 1);
  if (Math.max(...factors) === 1) return resize(image, size, filter, box);
  const margins = scales.map((scale) => (filter.support - 0.5) * scale);
  const safe = [
    Math.max(0, Math.trunc(box[0] - margins[0])),
    Math.max(0, Math.trunc(box[1] - margins[1])),
    Math.min(image.width, Math.ceil(box[2] + margins[0])),
    Math.min(image.height, Math.ceil(box[3] + margins[1])),
  ];
  const inner = box.map((edge, i) => (edge - safe[i % 2]) / factors[i % 2]);
  return resize(reduce(image, factors, safe), size, filter, inner);
}

// Converts RGB to gray by the weights of ITU-R 601.
export function toGray({ data, width, height }) {
  const gray = new Uint8ClampedArray(width * height);
  for (let i = 0; i < gray.length; i++)
    gray[i] = (data[3 * i] * 19595 + data[3 * i + 1] * 38470 + data[3 * i + 2] * 7471 + 0x8000) >> 16;
  return { data: gray, width, height, channels: 1 };
}

// Composites RGBA on white and returns RGB.
export function onWhite({ data, width, height }) {
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const alpha = data[4 * i + 3] * 128;
    for (let channel = 0; channel < 3; channel++) {
      const sum = data[4 * i + channel] * alpha + 255 * (255 * 128 - alpha) + (0x80 << 7);
      rgb[3 * i + channel] = (((sum >> 8) + sum) >> 8) >> 7;
    }
  }
  return { data: rgb, width, height, channels: 3 };
}
