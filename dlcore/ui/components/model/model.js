// A trained model that answers in the page: reads an input, prepares it as in Python, runs the network, shows the
// answer.

import { imageModel } from "./image_model.js";
import { openModel } from "./runtime.js";
import { decoderModel, recallModel } from "./sequence_model.js";
import { forecastModel, scoreModel } from "./series_model.js";
import { textModel } from "./text_model.js";

const KINDS = {
  decoder: decoderModel,
  forecast: forecastModel,
  image: imageModel,
  recall: recallModel,
  score: scoreModel,
  text: textModel,
};

export default function ({ data, parentElement }) {
  const root = parentElement;
  const { addInput, prepare, answer, show } = KINDS[data.kind];
  const note = root.querySelector(".dl-model-note");
  const say = (text, state = "") => {
    note.textContent = text;
    note.dataset.state = state;
  };
  let opened = null;
  const run = async (inputs) => {
    opened ??= openModel(data);
    return (await opened)(inputs);
  };
  let latest = 0;
  const submit = async (source) => {
    const number = ++latest;
    say(opened ? "Running …" : "Loading the model …", "busy");
    const start = performance.now();
    try {
      const result = await answer(await prepare(source, data.settings), run, data.settings);
      if (number !== latest) return;
      root.querySelector(".dl-model-answer").replaceChildren(...show(result, data.settings, root));
      say(`Computed in this page in ${Math.max(1, Math.round(performance.now() - start))} ms.`, "done");
    } catch (error) {
      if (number === latest) say(error.message, "error");
    }
  };
  addInput(root, data.settings, submit);
  root.dlcoreModel = {
    submit,
    run,
    prepare: async (source) => prepare(source, data.settings),
    answer: async (source) => answer(await prepare(source, data.settings), run, data.settings),
  };
}
