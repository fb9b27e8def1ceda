// Text input: Python is notified when typing pauses, and which tokens are masked.

const PAUSE_MS = 350;

function report(root) {
  const { text, hidden } = root.dlcore;
  const version = root.dataset.version ?? "";
  root.querySelector(".dl-typed-note").textContent = "Running …";
  root.dlcoreReport("typed", JSON.stringify({ text, version, hidden: [...hidden].sort((a, b) => a - b) }));
}

function listenToInput(root) {
  const area = root.querySelector("textarea");
  const state = root.dlcore;
  const commit = () => {
    clearTimeout(state.timer);
    if (area.value === state.text) return;
    state.text = area.value;
    state.hidden.clear(); // the tokens have changed
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
  // special tokens cannot be masked
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
    button.textContent = word; // text, never HTML: this is user input
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
  if (data.text !== root.dlcore.text) return; // an answer to an earlier text
  root.querySelector(".dl-typed-note").textContent = data.note;
  if (first || data.version !== root.dataset.version) {
    root.dataset.version = data.version;
    Object.assign(root.dlcore, { words: data.words, unknown: data.unknown, marks: data.marks });
    root.dlcore.hidden = new Set(data.hidden); // another model may tokenize the same text differently
    drawWords(root);
  }
  root.dataset.answered = data.text;
}
