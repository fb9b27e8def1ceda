// Classifies a text that is typed.

import { classAnswer, classify } from "./classes.js";
import { cleanText } from "./cleaning.js";
import { sampleButtons, textInput } from "./inputs.js";
import { fitLength, makeTokenizer } from "./tokenizers.js";

const UNKNOWN = 1;
const tokenizers = new WeakMap();

function tokenize(text, settings) {
  if (!tokenizers.has(settings)) tokenizers.set(settings, makeTokenizer(settings));
  return tokenizers.get(settings)(text);
}

// Adds a text area and buttons for sample texts.
export function addTextInput(root, settings, submit) {
  const parent = root.querySelector(".dl-model-input");
  const enter = textInput(parent, { label: settings.label, submit });
  const show = (button, text) => {
    button.textContent = text;
  };
  sampleButtons(parent, settings.samples, show, enter);
}

export const textModel = {
  addInput: addTextInput,
  prepare(source, settings) {
    const text = cleanText(source);
    if (!text) throw new Error("Write a sentence.");
    const ids = fitLength(tokenize(text, settings), settings.length, settings.keep);
    if (ids.every((id) => id <= UNKNOWN)) throw new Error("None of these words is in the model's vocabulary.");
    return { ids: { type: "int32", data: ids, shape: [1, settings.length] } };
  },
  async answer(prepared, run, settings) {
    return classify((await run(prepared)).data, settings);
  },
  show: (answer, settings) => classAnswer(answer, settings.labels),
};
