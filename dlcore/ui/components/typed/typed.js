// Text input: Python is notified when typing pauses, and which words are hidden from the model.

const PAUSE_MS = 350;

function report(root) {
  const { text, hidden } = root.dlcore;
  const version = root.dataset.version ?? "";
  root.querySelector(".dl-typed-note").textContent = "Reading …";
  root.dlcoreReport("typed", JSON.stringify({ text, version, hidden: [...hidden].sort((a, b) => a - b) }));
}

function listen(root) {
  const area = root.querySelector("textarea");
  const state = root.dlcore;
  const said = () => {
    clearTimeout(state.timer);
    if (area.value === state.text) return;
    state.text = area.value;
    state.hidden.clear(); // the words are others now
    report(root);
  };
  area.addEventListener("input", () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(said, PAUSE_MS);
  });
  area.addEventListener("blur", said);
  root.querySelector(".dl-typed-words").addEventListener("click", (event) => {
    const word = event.target.closest("button");
    if (!word) return;
    const place = Number(word.dataset.place);
    if (!state.hidden.delete(place)) state.hidden.add(place);
    word.setAttribute("aria-pressed", state.hidden.has(place));
    root.querySelector(".dl-typed-clear").hidden = !state.hidden.size;
    report(root);
  });
  root.querySelector(".dl-typed-clear").addEventListener("click", () => {
    state.hidden.clear();
    draw(root);
    report(root);
  });
}

function markOf(word) {
  // the model's own, not to be hidden
  const mark = document.createElement("span");
  mark.textContent = word;
  return mark;
}

function draw(root) {
  const state = root.dlcore;
  const box = root.querySelector(".dl-typed-words");
  const made = state.words.map((word, place) => {
    if (place < state.marks || place >= state.words.length - state.marks) return markOf(word);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word; // never as HTML: it is what somebody typed
    button.dataset.place = place;
    button.setAttribute("aria-pressed", state.hidden.has(place));
    if (state.unknown[place]) {
      button.className = "dl-unknown";
      button.title = "not in the model's vocabulary";
    }
    return button;
  });
  box.replaceChildren(...made);
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
    listen(root);
  }
  if (data.text !== root.dlcore.text) return; // an answer to what stood there before
  root.querySelector(".dl-typed-note").textContent = data.note;
  if (first || data.version !== root.dataset.version) {
    root.dataset.version = data.version;
    Object.assign(root.dlcore, { words: data.words, unknown: data.unknown, marks: data.marks });
    root.dlcore.hidden = new Set(data.hidden); // the same text falls into other words in another model
    draw(root);
  }
  root.dataset.answered = data.text;
}
