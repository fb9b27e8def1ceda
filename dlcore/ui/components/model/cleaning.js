// Cleaning of texts as in Python: tags, entities, control and invisible characters, extra spaces.

const LINES = new Set(
  (
    "address article aside audio blockquote body br button canvas caption center col colgroup dd details dialog dir " +
    "div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe " +
    "img input legend li link main menu meta nav noscript object ol optgroup option p pre script section select " +
    "style summary table tbody td textarea tfoot th thead title tr ul video"
  ).split(" "),
);
const INLINE = new Set(
  (
    "a abbr acronym b bdi bdo big blink cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp " +
    "small span strike strong sub sup time tt u var wbr"
  ).split(" "),
);
const FLAGS = "async|autoplay|checked|compact|controls|defer|disabled|hidden|ismap|loop|multiple|muted|noshade|nowrap";
const VALUE = String.raw`(?:"[^"<>]{0,2000}"|'[^'<>]{0,2000}'|[^\s"'<>=${"`"}][^\s<>]{0,2000})`;
const ATTRIBUTE = String.raw`(?:[a-z_:@][\p{L}\p{N}_:.@\-]*\s*=\s*${VALUE}|${FLAGS})`;
const TAG = new RegExp(String.raw`</?([a-z][a-z0-9]{0,9})(?:\s+${ATTRIBUTE})*\s*/?>`, "giu");
const END_TAG = /<\/([a-z][a-z0-9]{0,9})\s*>/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it finds
const CONTROLS = /[\u{0}-\u{1f}\u{7f}-\u{9f}\u{d800}-\u{dfff}\u{e000}-\u{f8ff}\u{fdd0}-\u{fdef}\u{fffe}\u{ffff}]/gu;
const JOINED = String.raw`\u{e01}-\u{eff}\u{1000}-\u{109f}\u{1780}-\u{17ff}`; // Thai, Lao, Myanmar, Khmer
const EMOJI = String.raw`\u{1f000}-\u{1faff}\u{2190}-\u{2bff}`;
const INVISIBLE = new RegExp(
  String.raw`[\u{ad}\u{61c}\u{200c}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}]` +
    String.raw`|(?<![${JOINED}])\u{200b}|\u{200b}(?![${JOINED}])` +
    String.raw`|(?<![${EMOJI}\u{fe0f}])\u{200d}|\u{200d}(?![${EMOJI}])` +
    String.raw`|(?<![\u{1f3f4}\u{e0020}-\u{e007f}])[\u{e0000}-\u{e007f}]+`,
  "gu",
);
const ENTITY = /&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/g;
const IS_ALPHANUMERIC = /^[\p{L}\p{N}]$/u;

// The text of an entity; parsed as a document that is never shown, so that nothing in it runs.
const unescapeEntity = (entity) => new DOMParser().parseFromString(`x${entity}`, "text/html").body.textContent.slice(1);

function removeTags(text) {
  const ended = new Set(Array.from(text.toLowerCase().matchAll(END_TAG), (match) => match[1]));
  return text.replace(TAG, (tag, written, offset) => {
    const name = written.toLowerCase();
    if (LINES.has(name)) return " ";
    if (!INLINE.has(name)) return tag;
    const before = Array.from(text.slice(Math.max(0, offset - 2), offset)).pop() ?? "";
    const after = Array.from(text.slice(offset + tag.length, offset + tag.length + 2))[0] ?? "";
    if (!IS_ALPHANUMERIC.test(before) || !IS_ALPHANUMERIC.test(after)) return " ";
    const isComparison = tag.length === name.length + 2 && !ended.has(name); // a<b>c
    return isComparison ? tag : "";
  });
}

export function cleanText(text) {
  let plain = text.replace(ENTITY, unescapeEntity);
  if (plain.includes("<")) plain = removeTags(plain);
  return plain.replace(CONTROLS, " ").replace(INVISIBLE, "").split(/\s+/u).filter(Boolean).join(" ");
}
