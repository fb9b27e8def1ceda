// HTML for symbols with subscripts and for partial derivatives.

export const D = (of) => `∂L/∂${of}`;

export const sub = (name, ...places) => `<i>${name}</i><sub>${places.join(",")}</sub>`;
