// A canvas to draw a digit by pointer or keyboard; reports when the pen is lifted.

const STEP = 8; // pixels per arrow key

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const SENT_SIDE = 56; // side in pixels of the image sent; the server crops, shrinks and centers it
const GRAY_STEP = 17; // 16 gray levels: a drawing fits into the address

function encodePixels(canvas) {
  const small = document.createElement("canvas");
  small.width = small.height = SENT_SIDE;
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, SENT_SIDE, SENT_SIDE);
  const pixels = context.getImageData(0, 0, SENT_SIDE, SENT_SIDE).data;
  let text = "";
  for (let i = 0; i < pixels.length; i += 4) text += String.fromCharCode(Math.round(pixels[i] / GRAY_STEP) * GRAY_STEP);
  return btoa(text);
}

// Draws the image of an earlier report or of a link.
function restorePixels(canvas, text) {
  const pixels = Uint8ClampedArray.from(atob(text), (letter) => letter.charCodeAt(0));
  if (pixels.length !== SENT_SIDE * SENT_SIDE) return;
  const small = document.createElement("canvas");
  small.width = small.height = SENT_SIDE;
  const image = small.getContext("2d").createImageData(SENT_SIDE, SENT_SIDE);
  image.data.forEach((_, i, data) => {
    data[i] = i % 4 === 3 ? 255 : pixels[i >> 2];
  });
  small.getContext("2d").putImageData(image, 0, 0);
  canvas.getContext("2d").drawImage(small, 0, 0, canvas.width, canvas.height);
}

function clearCanvas(canvas) {
  const context = canvas.getContext("2d");
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".dl-draw");
  const canvas = root.querySelector("canvas");
  root.dlcoreReport = setStateValue;
  if (root.dataset.ready) return;
  root.dataset.ready = "yes";
  const context = canvas.getContext("2d");
  let last = null;
  clearCanvas(canvas);
  if (data?.strokes) restorePixels(canvas, data.strokes);
  const position = (event) => [
    (event.offsetX * canvas.width) / canvas.clientWidth,
    (event.offsetY * canvas.height) / canvas.clientHeight,
  ];
  const line = (from, target) => {
    context.strokeStyle = "#fff";
    context.lineWidth = 19;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(target[0] + 0.01, target[1]);
    context.stroke();
  };
  const report = () => root.dlcoreReport("strokes", encodePixels(canvas));
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = position(event);
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const isDown = position(event);
    line(last, isDown);
    last = isDown;
  });
  const endStroke = () => {
    if (!last) return;
    last = null;
    report();
  };
  canvas.addEventListener("pointerup", endStroke);
  canvas.addEventListener("pointercancel", endStroke);
  const clear = () => {
    clearCanvas(canvas);
    root.dlcoreReport("strokes", "");
  };
  root.querySelector(".dl-draw-clear").addEventListener("click", clear);
  listenToKeys(root, canvas, { line, report, clear });
}

function listenToKeys(root, canvas, { line, report, clear }) {
  const pen = root.querySelector(".dl-draw-pen");
  const note = root.querySelector(".dl-draw-note");
  let penAt = [canvas.width / 2, canvas.height / 4];
  let down = false;
  const show = () => {
    pen.style.left = `${penAt[0]}px`;
    pen.style.top = `${penAt[1]}px`;
    pen.classList.toggle("dl-draw-down", down);
  };
  const setDown = (isDown) => {
    if (down && !isDown) report();
    down = isDown;
    note.textContent = down ? "Pen down: arrow keys draw." : "Pen up: arrow keys move it.";
    if (down) line(penAt, penAt);
  };
  canvas.addEventListener("keydown", (event) => {
    const move = ARROWS[event.key];
    if (move) {
      const target = penAt.map((value, axis) => Math.min(canvas.width, Math.max(0, value + STEP * move[axis])));
      if (down) line(penAt, target);
      penAt = target;
    } else if (event.key === " ") setDown(!down);
    else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
    show();
  });
  canvas.addEventListener("blur", () => {
    if (down) setDown(false);
    show();
  });
  show();
}
