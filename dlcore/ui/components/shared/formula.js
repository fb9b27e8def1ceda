// Symbols with subscripts, and partial derivatives.

import { joinMarkup, markup } from "./markup.js";

export const partial = (name) => markup`∂L/∂${name}`;

export const subscript = (name, ...indices) => markup`<i>${name}</i><sub>${joinMarkup(indices, ",")}</sub>`;
