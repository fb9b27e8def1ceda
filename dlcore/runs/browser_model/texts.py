"""Text models for a browser: classifiers, sequence to sequence, associative recall."""

import torch

from dlcore.core.errors import RunError
from dlcore.projects.language.texts import PIECES
from dlcore.projects.project import LoadedModel
from dlcore.runs.browser_model.images import classes
from dlcore.runs.browser_model.packing import BrowserModel, NetworkInputs, pack

_KEPT = ("kind", "words", "merges", "length", "keep")


def pack_classifier(loaded: LoadedModel) -> BrowserModel:
    """Return a classifier of texts that has its own vocabulary.

    Raises:
        RunError: it reads a pretrained BERT, which is too large for a file.
    """
    known = loaded.preprocessing
    if known.get("kind") == PIECES:
        raise RunError("it needs a pretrained BERT, which is too large for one file.")
    length, size = int(known["length"]), int(loaded.facts["vocabulary"])
    samples = []
    for count in (length, max(1, length // 3), 1):  # long, short and one word: padding must not matter
        ids = torch.zeros(1, length, dtype=torch.int32)
        ids[0, :count] = _random(size, count)
        samples.append({"ids": ids})
    settings = {name: known[name] for name in _KEPT if name in known}
    return pack(
        "text",
        NetworkInputs(loaded.module, samples[0], samples[1:]),
        {**settings, "label": "Type a text", **classes(loaded)},
    )


def pack_decoder(loaded: LoadedModel) -> BrowserModel:
    """Return an encoder-decoder: greedy decoding is done in the browser."""
    facts, known = loaded.facts, loaded.preprocessing
    shapes = {"source": int(facts["source_length"]), "output": int(facts["target_length"])}
    sizes = {"source": int(facts["sources"]), "output": int(facts["symbols"])}
    full, short = (
        {name: torch.zeros(1, length, dtype=torch.int32) for name, length in shapes.items()} for _ in range(2)
    )
    for name, length in shapes.items():
        full[name][0] = _random(sizes[name], length)
        short[name][0, : max(1, length // 2)] = full[name][0, : max(1, length // 2)]
    settings = {
        "label": "Type a text",
        "source_symbols": known["source_symbols"],
        "target_symbols": known["target_symbols"],
        "source_length": shapes["source"],
        "length": shapes["output"],
        "symbols": sizes["output"],
    }
    return pack("decoder", NetworkInputs(loaded.module, full, [short]), settings)


def pack_recall(loaded: LoadedModel) -> BrowserModel:
    """Return an attention layer that looks up the digit of a letter."""
    tokens = int(loaded.facts["tokens"])
    inputs = []
    for count in (tokens, max(2, tokens // 2)):
        letters, values = (torch.zeros(1, tokens, dtype=torch.int32) for _ in range(2))
        letters[0, :count] = torch.arange(1, count + 1)
        values[0, : count - 1] = torch.arange(2, count + 1)
        letters[0, count - 1], values[0, count - 1] = 1, 1
        inputs.append({"letters": letters, "values": values})
    settings = {"label": "Pairs and a question, as in a3 b7 a?", "tokens": tokens, **classes(loaded)}
    return pack("recall", NetworkInputs(loaded.module, inputs[0], inputs[1:]), settings)


def _random(size: int, count: int) -> torch.Tensor:
    """Return random ids (count,) of a vocabulary, none of them padding."""
    return torch.randint(1, size, (count,), generator=torch.Generator().manual_seed(0), dtype=torch.int32)
