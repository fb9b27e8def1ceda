"""Embedding, confusion matrix and probabilities of validation samples with a slider over the epochs."""

from typing import Any

from dlcore.ui.components.mount import drawing_component, mount

_EPOCHS = drawing_component("epochs")


def show_epochs(data: dict[str, Any], *, key: str) -> None:
    """Render the data of `runs.views.epochs`; the slider moves in the browser only."""
    mount(_EPOCHS, data, key=key)
