// Opens an ONNX model with ONNX Runtime Web: one thread, everything from memory, no request.

import { loadPart } from "./parts.js";

let runtime = null; // one for all models of a document

async function loadRuntime(wasm) {
  const ort = await window.dlcoreOrt;
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = (await loadPart(wasm)).buffer;
  ort.env.logLevel = "error";
  return ort;
}

const toTensor = (ort, { type, data, shape }) => new ort.Tensor(type, data, shape);

// Returns a function: inputs by name as { type, data, shape } -> the first output as { data, dims }. One call runs at
// a time.
export async function openModel({ onnx, wasm }) {
  runtime ??= loadRuntime(wasm);
  const ort = await runtime;
  const session = await ort.InferenceSession.create(await loadPart(onnx), { executionProviders: ["wasm"] });
  let queue = Promise.resolve();
  return (inputs) => {
    const run = async () => {
      const used = session.inputNames; // the export drops inputs that the network ignores
      const feeds = used.map((name) => [name, toTensor(ort, inputs[name])]);
      return (await session.run(Object.fromEntries(feeds)))[session.outputNames[0]];
    };
    queue = queue.then(run, run);
    return queue;
  };
}
