// The rows of the chart: loss, accuracy, skill, learning rate.

import { varies } from "./series.js";

export const ROWS = [
  {
    title: "Loss",
    curves: [
      ["batch_loss", "each batch"],
      ["train_loss", "train"],
      ["validation_loss", "validation"],
    ],
  },
  {
    title: "Accuracy",
    curves: [
      ["train_accuracy", "train"],
      ["validation_accuracy", "validation"],
    ],
  },
  { title: "Skill", curves: [["validation_skill", "validation"]] },
  { title: "Learning rate", curves: [["learning_rate", "learning rate"]], small: true },
];

export function visibleRows(runs) {
  return ROWS.filter((row) =>
    runs.some((run) =>
      row.curves.some(([name]) =>
        name === "learning_rate" ? varies(run.curves[name]) : run.curves[name]?.values.length,
      ),
    ),
  );
}
