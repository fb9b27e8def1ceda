// Text input: Python is notified when typing pauses, and which words are hidden from the model.

const PAUSE_MS = 350;

function report(root) {
  const { text, hidden } = root.dlcore;
  const version = root.dataset.version ?? "";
  root.querySelector(".dl-typed-note").textContent = "Reading …";
  root.dlcoreReport("typed", JSON.stringify({ text, version, hidden: [...hidden].sort((a, b) => a - b) }));
}

function listenToInput(root) {
  const area = root.querySelector("textarea");
  const state = root.dlcore;
  const commit = () => {
    clearTimeout(state.timer);
    if (area.value === state.text) return;
    state.text = area.value;
    state.hidden.clear(); // the words are others now
    report(root);
  };
  area.addEventListener("input", () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(commit, PAUSE_MS);
  });
  area.addEventListener("blur", commit);
  root.querySelector(".dl-typed-words").addEventListener("click", (event) => {
    const word = event.target.closest("button");
    if (!word) return;
    const index = Number(word.dataset.place);
    if (!state.hidden.delete(index)) state.hidden.add(index);
    word.setAttribute("aria-pressed", state.hidden.has(index));
    root.querySelector(".dl-typed-clear").hidden = !state.hidden.size;
    report(root);
  });
  root.querySelector(".dl-typed-clear").addEventListener("click", () => {
    state.hidden.clear();
    drawWords(root);
    report(root);
  });
}

function specialToken(word) {
  // the model's own, not to be hidden
  const mark = document.createElement("span");
  mark.textContent = word;
  return mark;
}

function drawWords(root) {
  const state = root.dlcore;
  const box = root.querySelector(".dl-typed-words");
  const nodes = state.words.map((word, index) => {
    if (index < state.marks || index >= state.words.length - state.marks) return specialToken(word);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word; // never as HTML: it is what somebody typed
    button.dataset.place = index;
    button.setAttribute("aria-pressed", state.hidden.has(index));
    if (state.unknown[index]) {
      button.className = "dl-unknown";
      button.title = "not in the model's vocabulary";
    }
    return button;
  });
  box.replaceChildren(...nodes);
  root.querySelector(".dl-typed-clear").hidden = !state.hidden.size;
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".dl-typed");
  root.dlcoreReport = setStateValue;
  const first = !root.dlcore;
  if (first) {
    root.dlcore = { text: data.text, hidden: new Set(data.hidden), words: [], unknown: [], marks: 0 };
    root.querySelector("textarea").value = data.text;
    root.querySelector(".dl-typed-label").textContent = data.label;
    listenToInput(root);
  }
  if (data.text !== root.dlcore.text) return; // an answer to what stood there before
  root.querySelector(".dl-typed-note").textContent = data.note;
  if (first || data.version !== root.dataset.version) {
    root.dataset.version = data.version;
    Object.assign(root.dlcore, { words: data.words, unknown: data.unknown, marks: data.marks });
    root.dlcore.hidden = new Set(data.hidden); // the same text falls into other words in another model
    drawWords(root);
  }
  root.dataset.answered = data.text;
}
