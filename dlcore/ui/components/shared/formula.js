// HTML for symbols with subscripts and for partial derivatives.

export const partial = (name) => `∂L/∂${name}`;

export const subscript = (name, ...indices) => `<i>${name}</i><sub>${indices.join(",")}</sub>`;
