// Texts that are not classified as a whole: symbols decoded one by one, and associative recall.

import { classAnswer, classify } from "./classes.js";
import { addTextInput } from "./text_model.js";

const [START, END, SPECIAL] = [2, 3, 4];
const LETTERS = "abcdefghij";
const DIGITS = "0123456789";

function logSoftmax(logits) {
  const top = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, value) => sum + Math.exp(value - top), 0));
  return logits.map((value) => value - top - total);
}

// The ids of a text, one per symbol.
function encodeSymbols(source, { source_symbols, source_length }) {
  const text = source.trim().toLowerCase();
  const symbols = Array.from(text);
  if (!text) throw new Error("Write a text.");
  if (symbols.length > source_length)
    throw new Error(`At most ${source_length} characters; this has ${symbols.length}.`);
  const known = Array.from(source_symbols);
  const unknown = symbols.find((symbol) => !known.includes(symbol));
  if (unknown) throw new Error(`The model does not know '${unknown}'.`);
  const ids = new Int32Array(source_length);
  ids.set(symbols.map((symbol) => SPECIAL + known.indexOf(symbol)));
  return ids;
}

export const decoderModel = {
  addInput: addTextInput,
  prepare: (source, settings) => ({
    source: { type: "int32", data: encodeSymbols(source, settings), shape: [1, settings.source_length] },
  }),
  // Greedy decoding: the most probable symbol after those before it, until the end symbol.
  async answer(prepared, run, settings) {
    const { length, symbols } = settings;
    const output = new Int32Array(length);
    output[0] = START;
    const ids = [];
    let score = 0;
    for (let step = 0; step < length; step++) {
      const { data } = await run({ ...prepared, output: { type: "int32", data: output.slice(), shape: [1, length] } });
      const logits = Array.from(data.subarray(step * symbols, (step + 1) * symbols), (value, id) =>
        id < SPECIAL && id !== END ? -Infinity : value,
      );
      const scores = logSoftmax(logits);
      const best = scores.indexOf(Math.max(...scores));
      score += scores[best];
      if (best === END) break;
      ids.push(best);
      if (step + 1 < length) output[step + 1] = best;
    }
    const known = Array.from(settings.target_symbols);
    return { text: ids.map((id) => known[id - SPECIAL]).join(""), probability: Math.exp(score) };
  },
  show({ text, probability }) {
    const [head, words] = [document.createElement("p"), document.createElement("b")];
    words.textContent = text;
    head.append(words, ` ${(100 * probability).toFixed(1)} %`);
    return [head];
  },
};

function encodeRecall(source, { tokens }) {
  const words = source
    .trim()
    .toLowerCase()
    .split(/[\s,;]+/)
    .filter(Boolean);
  const wrong = words.find(
    (word) => word.length !== 2 || !LETTERS.includes(word[0]) || !`${DIGITS}?`.includes(word[1]),
  );
  if (wrong) throw new Error(`'${wrong}' is not valid: write a letter a-j and a digit, as in a3 b7 a?.`);
  if (words.filter((word) => word[1] === "?").length !== 1) throw new Error("Ask for one letter: a3 b7 c1 b?.");
  if (words.length < 2 || words.length > tokens) throw new Error(`Write 1 to ${tokens - 1} pairs and a question.`);
  const [letters, values] = [new Int32Array(tokens), new Int32Array(tokens)];
  for (const [i, word] of words.entries()) {
    letters[i] = LETTERS.indexOf(word[0]) + 1;
    values[i] = word[1] === "?" ? 1 : Number(word[1]) + 2;
  }
  const tensor = (data) => ({ type: "int32", data, shape: [1, tokens] });
  return { letters: tensor(letters), values: tensor(values) };
}

export const recallModel = {
  addInput: addTextInput,
  prepare: encodeRecall,
  answer: async (prepared, run, settings) => classify((await run(prepared)).data, settings),
  show: (answer, settings) => classAnswer(answer, settings.labels),
};
