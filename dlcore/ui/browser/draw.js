
// A place to draw a digit: white on black, kept while the page runs again; reported when the pen is lifted.

const SENT = 56; // pixels a side that travel: the server crops, shrinks and centres them

function strokesOf(canvas) {
  const small = document.createElement("canvas");
  small.width = small.height = SENT;
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, SENT, SENT);
  const pixels = context.getImageData(0, 0, SENT, SENT).data;
  let text = "";
  for (let i = 0; i < pixels.length; i += 4) text += String.fromCharCode(pixels[i]);
  return btoa(text);
}

function wipe(canvas) {
  const context = canvas.getContext("2d");
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
}

export default function ({ parentElement, setStateValue }) {
  const root = parentElement.querySelector(".dl-draw"), canvas = root.querySelector("canvas");
  root.dlcoreReport = setStateValue;
  if (root.dataset.ready) return;
  root.dataset.ready = "yes";
  const context = canvas.getContext("2d");
  let last = null;
  wipe(canvas);
  const place = (event) => [event.offsetX * canvas.width / canvas.clientWidth, event.offsetY * canvas.height / canvas.clientHeight];
  const line = (from, to) => {
    context.strokeStyle = "#fff"; context.lineWidth = 19; context.lineCap = context.lineJoin = "round";
    context.beginPath(); context.moveTo(...from); context.lineTo(to[0] + 0.01, to[1]); context.stroke();
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); last = place(event); line(last, last); });
  canvas.addEventListener("pointermove", (event) => { if (!last) return; const now = place(event); line(last, now); last = now; });
  const lift = () => { if (!last) return; last = null; root.dlcoreReport("strokes", strokesOf(canvas)); };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  root.querySelector(".dl-draw-clear").addEventListener("click", () => { wipe(canvas); root.dlcoreReport("strokes", ""); });
}
