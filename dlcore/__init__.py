"""The deep-learning workbench's package: data, models, training, evaluation and explanation behind the pages."""

__version__ = "0.1.0"
