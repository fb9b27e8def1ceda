// An image from the clipboard or dropped, scaled to at most MAX_SIDE pixels and sent as JPEG.

const MAX_SIDE = 1024;

async function encodeImage(file) {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, MAX_SIDE / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.92).split(",")[1];
}

export default function ({ parentElement, setStateValue }) {
  const root = parentElement.querySelector(".dl-paste");
  const message = root.querySelector(".dl-paste-words");
  root.dlcoreReport = setStateValue;
  if (root.dataset.ready) return;
  root.dataset.ready = "yes";
  const sendImage = async (files) => {
    const file = [...files].find((item) => item.type.startsWith("image/"));
    if (!file) {
      message.textContent = "No image in the clipboard. Copy one first.";
      return;
    }
    try {
      root.dlcoreReport("image", await encodeImage(file));
      message.textContent = "Image received. Paste another at any time.";
    } catch {
      message.textContent = "The browser cannot read this image. Save it as PNG or JPEG.";
    }
  };
  const onPaste = (event) => {
    if (!root.isConnected) {
      document.removeEventListener("paste", onPaste);
      return;
    }
    if (event.clipboardData?.files.length) {
      event.preventDefault();
      sendImage(event.clipboardData.files);
    }
  };
  document.addEventListener("paste", onPaste);
  root.addEventListener("click", () => root.focus());
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    sendImage(event.dataTransfer.files);
  });
}
