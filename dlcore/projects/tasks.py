"""Tasks that several projects share. A task of a single project is in the project's module."""

from dlcore.projects import classification
from dlcore.projects.project import Task

CLASSIFICATION = Task(
    name="classification",
    objective=classification.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    observe=classification.observe_epoch,
    evaluate=classification.evaluate,
)
