"""A BERT for tests: two layers, hidden size 32, random weights, a real vocabulary."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from dlcore.data.sources import bert_weights
from dlcore.models.bert import Bert

NAME = "tiny-bert"


def write(
    folder: Path, *, head: bool = False, seed: int = 0, name: str = NAME, words: Sequence[str] | None = None
) -> Path:
    """Write it to `folder`/`name` (a folder for DLCORE_DATA), with a masked-language-model head if `head`; `words` are
    its vocabulary, that of the small BERT if None."""
    words = words or bert_weights.require(bert_weights.OFFLINE).vocabulary
    config = {
        "model_type": "bert",
        "vocab_size": len(words),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 256,
        "type_vocab_size": 2,
    }
    path = folder / name
    path.mkdir(parents=True)
    (path / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    torch.manual_seed(seed)
    if head:
        from transformers import BertConfig, BertForMaskedLM

        BertForMaskedLM(BertConfig(**config)).save_pretrained(path)
    else:
        save_file(Bert(config).network.state_dict(), path / "model.safetensors")
    (path / "config.json").write_text(json.dumps(config))
    return path
