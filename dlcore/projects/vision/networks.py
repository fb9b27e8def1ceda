"""Architecture tables and graphs of any network: from the layer language, or of a project's model."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from dlcore.core.errors import RequestError, one_line
from dlcore.data.sources import locate as sources
from dlcore.inference import anatomy
from dlcore.inference.anatomy import BATCH, Anatomy
from dlcore.models import layer_language
from dlcore.projects import registry

Build = Callable[[], nn.Module]
_PIECES = 16
_FEW = {"rows": 300, "train_rows": 300}
"""Data settings that make preparing three samples fast."""


def analyze_text(text: str) -> Anatomy:
    """Architecture of a network in the layer language, without allocating weights.

    Raises:
        RequestError: the text is invalid.
    """
    with torch.device("meta"):
        network = layer_language.build_network(text)
        return anatomy.analyze(network.module, (torch.empty(BATCH, *network.shape),))


def analyze_model(slug: str, model: str) -> Anatomy:
    """Architecture of a project's model with default settings.

    Raises:
        RequestError: the model is unknown, or its inputs are not available.
    """
    project = registry.get(slug)
    if model not in project.models:
        raise RequestError(f"'{slug}' has no model '{model}': known are {', '.join(project.models)}.")
    why = ""
    for inputs in (_by_facts, _by_data):
        try:
            return _opened(*inputs(slug, model))
        except Exception as error:  # torch raises various errors for a wrong shape; try the next inputs
            why = one_line(error)
    raise RequestError(f"'{model}' of '{slug}' could not be analyzed: {why}")


def _opened(build: Build, inputs: tuple[Tensor, ...]) -> Anatomy:
    """On the meta device if the module supports it, else on the CPU."""
    try:
        with torch.device("meta"):
            module = build()
            if any(isinstance(part, nn.RNNBase) for part in module.modules()):
                raise NotImplementedError  # stepping through them on meta is slower than computing them
            return anatomy.analyze(module, tuple(part.to("meta") for part in inputs))
    except Exception:  # modules that read values cannot run on meta
        return anatomy.analyze(build(), inputs)


def _by_facts(slug: str, model: str) -> tuple[Build, tuple[Tensor, ...]]:
    """Inputs that follow from the facts: images, token ids, feature rows."""
    project = registry.get(slug)
    entry, facts = project.models[model], project.facts

    def build() -> nn.Module:
        return entry.build(entry.config(), facts)

    if {"height", "width"} <= set(facts):
        channels = (facts["channels"],) if "channels" in facts else ()
        return build, (torch.zeros(BATCH, *channels, facts["height"], facts["width"]),)
    if {"vocabulary", "length"} <= set(facts):
        return build, (torch.ones(BATCH, facts["length"], dtype=torch.int64),)
    if {"vocab_size", "max_position_embeddings"} <= set(facts):  # a BERT: token ids of a short sentence
        return build, (torch.ones(BATCH, min(_PIECES, facts["max_position_embeddings"]), dtype=torch.int64),)
    if set(facts) == {"features"}:
        return build, (torch.zeros(BATCH, facts["features"]),)
    raise RequestError(f"the facts {', '.join(facts)} do not determine the input shape")


def _by_data(slug: str, model: str) -> tuple[Build, tuple[Tensor, ...]]:
    """Three samples of the project's data, and the model of its full preset."""
    project = registry.get(slug)
    here = next((name for name in project.datasets if sources.is_available(name)), None)
    if here is None:
        raise RequestError(f"its data is not on this machine: `dlcore data get {project.datasets[0]}`")
    known = {field.name for field in registry.list_settings(slug, model)["data"]}
    few = {name: value for name, value in _FEW.items() if name in known}
    config = registry.configure(slug, model=model, dataset=here, settings=few)
    prepared = project.prepare(config)
    inputs = tuple(part[:BATCH] for part in prepared.train.inputs)
    transform = prepared.transform(inputs, False) if prepared.transform else inputs
    return lambda: project.models[model].build(config.model_options, prepared.facts), transform
