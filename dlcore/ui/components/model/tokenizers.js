// Tokenizers as in Hugging Face tokenizers: words, WordPiece, and byte-pair encoding, from a text to ids.

const PAD = 0;
const UNKNOWN = 1;
const INSIDE = "##"; // prefix of a word piece inside a word
const MOST_LETTERS = 100; // longer words are unknown to WordPiece
const WORD = /[\p{L}\p{M}\p{Nd}\p{Pc}]+(?:['’][\p{L}\p{M}\p{Nd}\p{Pc}]+)?|[!?]/gu;
const CHINESE = new RegExp(
  "[\\u{4e00}-\\u{9fff}\\u{3400}-\\u{4dbf}\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b73f}\\u{2b740}-\\u{2b81f}" +
    "\\u{2b920}-\\u{2ceaf}\\u{f900}-\\u{faff}\\u{2f800}-\\u{2fa1f}]",
  "gu",
);
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/u;

// By letter: a sigma at the end of a word stays a sigma.
const lowercase = (text) => Array.from(text, (letter) => letter.toLowerCase()).join("");

const splitWords = (text) => lowercase(text.normalize("NFKC")).match(WORD) ?? [];

function splitForBert(text) {
  const cleaned = text
    .replace(/[\t\n\r]/g, " ")
    .replace(/[\u{fffd}\p{C}]/gu, "")
    .replace(CHINESE, " $& ");
  const plain = lowercase(cleaned.normalize("NFD").replace(/\p{Mn}/gu, ""));
  const words = [];
  for (const part of plain.split(/\s+/u).filter(Boolean)) {
    let word = "";
    for (const letter of part) {
      if (!PUNCTUATION.test(letter)) {
        word += letter;
        continue;
      }
      if (word) words.push(word);
      words.push(letter);
      word = "";
    }
    if (word) words.push(word);
  }
  return words;
}

function wordPieces(word, ids) {
  const letters = Array.from(word);
  if (letters.length > MOST_LETTERS) return [UNKNOWN];
  const pieces = [];
  for (let start = 0; start < letters.length; ) {
    let stop = letters.length;
    const piece = () => ids.get((start ? INSIDE : "") + letters.slice(start, stop).join(""));
    while (stop > start && piece() === undefined) stop--;
    if (stop === start) return [UNKNOWN];
    pieces.push(piece());
    start = stop;
  }
  return pieces;
}

function bytePairs(word, ids, ranks) {
  let parts = Array.from(word, (letter, i) => (i ? INSIDE : "") + letter);
  parts = parts.map((part) => (ids.has(part) ? part : null)); // unknown letters merge with nothing
  for (;;) {
    let best = { rank: Infinity, at: -1 };
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
      if (rank < best.rank) best = { rank, at: i };
    }
    if (best.at < 0) return parts.map((part) => ids.get(part) ?? UNKNOWN);
    parts.splice(best.at, 2, parts[best.at] + parts[best.at + 1].slice(INSIDE.length));
  }
}

// Returns a function from a cleaned text to all of its ids.
export function makeTokenizer({ kind, words, merges = [] }) {
  const ids = new Map(words.map((word, id) => [word, id]));
  if (kind === "wordpiece") return (text) => splitForBert(text).flatMap((word) => wordPieces(word, ids));
  if (kind === "byte_pair") {
    const ranks = new Map(merges.map((pair, rank) => [pair.join(" "), rank]));
    return (text) => splitWords(text).flatMap((word) => bytePairs(word, ids, ranks));
  }
  return (text) => splitWords(text).map((word) => ids.get(word) ?? UNKNOWN);
}

// Returns `length` ids, padded at the end; of a longer text, its start or its end.
export function fitLength(ids, length, keep) {
  const out = new Int32Array(length).fill(PAD);
  out.set(keep === "start" ? ids.slice(0, length) : ids.slice(-length));
  if (out[0] === PAD) out[0] = UNKNOWN;
  return out;
}
