// Text with markup: a template's own tags are markup, every value in it is text. The only place that sets HTML.

class Markup {
  constructor(html) {
    this.html = html;
  }
}

const escapeText = (value) => String(value ?? "").replace(/[&<>"'`]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const toHtml = (value) =>
  value instanceof Markup ? value.html : Array.isArray(value) ? value.map(toHtml).join("") : escapeText(value);

// A template tag; its values may be markup, lists of markup, or anything else, which is shown as text.
export const markup = (strings, ...values) =>
  new Markup(strings.map((string, i) => string + (i < values.length ? toHtml(values[i]) : "")).join(""));

export const joinMarkup = (parts, separator) =>
  new Markup(parts.map((part, i) => (i ? escapeText(separator) : "") + toHtml(part)).join(""));

// Replaces the content of an element; what is not markup is set as text.
export function setMarkup(element, content) {
  element.innerHTML = toHtml(content);
}
