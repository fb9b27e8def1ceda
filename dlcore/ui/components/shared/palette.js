// Color-blind safe colors, as in dlcore/plots/palette.py.

export const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"];
