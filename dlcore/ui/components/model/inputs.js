// Inputs of a model: a file that is chosen or dropped, a text that is typed, samples to click on.

const PAUSE_MS = 250;

export function fileInput(parent, { label, accept, submit }) {
  const drop = document.createElement("label");
  drop.className = "dl-model-drop";
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept });
  drop.append(label, input);
  input.addEventListener("change", () => input.files[0] && submit(input.files[0]));
  const over = (isOver) => (event) => {
    event.preventDefault();
    drop.toggleAttribute("data-over", isOver);
  };
  drop.addEventListener("dragover", over(true));
  drop.addEventListener("dragleave", over(false));
  drop.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files[0]) submit(event.dataTransfer.files[0]);
  });
  parent.append(drop);
}

export function textInput(parent, { label, submit }) {
  const holder = document.createElement("label");
  const area = document.createElement("textarea");
  area.dir = "auto"; // right to left where the text is
  holder.append(label, area);
  let timer = 0;
  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => submit(area.value), PAUSE_MS);
  });
  parent.append(holder);
  return (text) => {
    area.value = text;
    submit(text);
  };
}

// Adds a button for each sample; `show` fills it and returns its label.
export function sampleButtons(parent, samples, show, submit) {
  if (!samples.length) return;
  const row = document.createElement("div");
  row.className = "dl-model-samples";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Test samples");
  for (const [i, sample] of samples.entries()) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", dir: "auto" });
    button.title = "A sample of the test split";
    show(button, sample, i);
    button.addEventListener("click", () => submit(sample));
    row.append(button);
  }
  parent.append(row);
}
