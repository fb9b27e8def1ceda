// Probabilities of classes from logits, as in Python: temperature, threshold of two classes, uncertainty.

const MOST_BARS = 6;

function softmax(logits, temperature) {
  const scaled = Array.from(logits, (value) => value / temperature);
  const top = Math.max(...scaled);
  const powers = scaled.map((value) => Math.exp(value - top));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}

export function classify(logits, { labels, temperature, threshold, uncertain_below }) {
  const probabilities = softmax(logits, temperature);
  const order = labels.map((_, i) => i).sort((a, b) => probabilities[b] - probabilities[a]);
  const best = threshold === null ? order[0] : Number(softmax(logits, 1)[1] >= threshold);
  return { best, order, probabilities, isUncertain: probabilities[order[0]] < uncertain_below };
}

const percent = (value) => `${(100 * value).toFixed(1)} %`;

// Returns an answer as elements: the class, and a bar for each of the most probable ones.
export function classAnswer({ best, order, probabilities, isUncertain }, labels) {
  const head = document.createElement("p");
  const name = document.createElement("b");
  name.textContent = labels[best];
  head.append(name, ` ${percent(probabilities[best])}${isUncertain ? " · uncertain" : ""}`);
  const bars = order.slice(0, MOST_BARS).map((k) => {
    const row = document.createElement("div");
    row.className = "dl-model-bar";
    const [label, track, value, bar] = ["span", "span", "span", "i"].map((tag) => document.createElement(tag));
    label.textContent = labels[k];
    value.textContent = percent(probabilities[k]);
    bar.style.width = `${100 * probabilities[k]}%`;
    track.append(bar);
    row.append(label, track, value);
    return row;
  });
  return [head, ...bars];
}
