// Binary parts of a document: base64 of gzip in a script element that is data, or bytes.

function decodeBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

// Returns bytes, from bytes or from the id of the element that holds them.
export async function loadPart(part) {
  if (typeof part !== "string") return part;
  const packed = new Blob([decodeBase64(document.getElementById(part).textContent)]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
