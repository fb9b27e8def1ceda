// A short tour of a page at the first visit: steps that point at its parts. Remembered in the browser once dismissed;
// `?tour=1` shows it again. Browsers under automation see it only then.

import { htmlElement } from "../shared/dom.js";

const MEMORY = "dlcore-tour";
const WAIT_MS = 500;
const PATIENCE = 60; // looks for the first part this often

function isWanted() {
  if (new URLSearchParams(location.search).get("tour") === "1") return true;
  if (navigator.webdriver || document.querySelector(".dl-presenting")) return false;
  try {
    return localStorage.getItem(MEMORY) === null;
  } catch {
    return false; // a browser that keeps nothing would show it at every visit
  }
}

const find = ({ target, text }) =>
  [...document.querySelectorAll(target)].find(
    (each) => each.checkVisibility() && (!text || each.textContent.trim() === text),
  );

function place(box, element) {
  const target = element.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const below = target.bottom + 12 + height < innerHeight;
  const top = below ? target.bottom + 12 : Math.max(8, target.top - height - 12);
  box.style.top = `${top}px`;
  box.style.left = `${Math.max(8, Math.min(innerWidth - width - 8, target.left))}px`;
}

function start(steps) {
  const box = htmlElement(
    "div",
    { class: "dl-tour", role: "dialog", "aria-label": "Tour of this page" },
    document.body,
  );
  const text = htmlElement("p", { "aria-live": "polite" }, box);
  const row = htmlElement("div", {}, box);
  const count = htmlElement("span", {}, row);
  const skip = htmlElement("button", { type: "button" }, row, "Skip tour");
  const next = htmlElement("button", { type: "button", class: "dl-tour-next" }, row, "Next");
  let current = -1;
  let marked = null;
  const move = () => marked?.isConnected && place(box, marked);
  const close = () => {
    marked?.classList.remove("dl-tour-target");
    removeEventListener("resize", move);
    document.removeEventListener("scroll", move, true);
    box.remove();
    try {
      localStorage.setItem(MEMORY, "seen");
    } catch {
      // the next visit shows it again
    }
  };
  const advance = () => {
    marked?.classList.remove("dl-tour-target");
    do current += 1;
    while (current < steps.length && !find(steps[current]));
    if (current >= steps.length) return close();
    marked = find(steps[current]);
    marked.classList.add("dl-tour-target");
    text.textContent = steps[current].says;
    count.textContent = `${current + 1} of ${steps.length}`;
    next.textContent = current === steps.length - 1 ? "Done" : "Next";
    marked.scrollIntoView({ block: "nearest" });
    move();
    next.focus({ preventScroll: true });
  };
  next.addEventListener("click", advance);
  skip.addEventListener("click", close);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  addEventListener("resize", move);
  document.addEventListener("scroll", move, true);
  advance();
}

// Shows the steps, `{ target, text, says }`, once the first one's target is on the screen.
export function offerTour(steps) {
  if (window.dlcoreTour || !isWanted()) return;
  window.dlcoreTour = true;
  let looks = 0;
  const look = () => {
    looks += 1;
    if (find(steps[0])) start(steps);
    else if (looks < PATIENCE) setTimeout(look, WAIT_MS);
  };
  setTimeout(look, WAIT_MS);
}
