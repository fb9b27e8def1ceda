// Decodes arrays packed by `pack` in mount.py.

export function decode(packed) {
  const text = atob(packed.base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const types = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array };
  return new types[packed.type](bytes.buffer);
}
