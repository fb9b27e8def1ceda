"""The walk component knows every layer of the NumPy image networks."""

import re

import numpy as np

from dlcore.models.numpy_nn import architectures
from dlcore.ui.components import mount


def test_every_layer_has_formulas():
    text = (mount._FOLDER / "walk" / "layers.js").read_text(encoding="utf-8").partition("LAYER_FORMULAS")[2]
    kinds = set(re.findall(r"^  (\w+): \{", text, re.MULTILINE))
    initializer = architectures.WeightInitializer(np.random.default_rng(0))
    dense = architectures.dense(initializer, 64, [8, 8], 3, activation="relu", norm=True, dropout=0.1)
    convolutional = architectures.convolutional(initializer, 8, (2, 2), 8, 3)
    layers = [*dense.layers.values(), *convolutional.layers.values()]
    assert {type(layer).__name__.lower() for layer in layers} <= kinds
