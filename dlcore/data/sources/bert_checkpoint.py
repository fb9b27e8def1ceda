"""The files of a pretrained BERT in a folder: reading and validation. No file that could run code is read."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core.errors import DataError, one_line
from dlcore.data.sources.weights import file_digest

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, VOCABULARY, WEIGHTS = "config.json", "vocab.txt", "model.safetensors"
FILES = (CONFIG, VOCABULARY, WEIGHTS)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_SIZES = {
    "vocab_size": 500_000,
    "hidden_size": 8192,
    "num_hidden_layers": 96,
    "num_attention_heads": 128,
    "intermediate_size": 65_536,
    "max_position_embeddings": 65_536,
}
"""Required sizes in a BERT's config and their upper limits."""


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained BERT with valid files; `checksum` is the sha256 over all three."""

    name: str
    folder: Path
    checksum: str

    @property
    def config(self) -> dict[str, Any]:
        """The content of `config.json`."""
        return _config(self.folder)

    @property
    def vocabulary(self) -> list[str]:
        """The word pieces in the order of their ids."""
        return _vocabulary(self.folder)

    @property
    def width(self) -> int:
        """The hidden size."""
        return int(self.config["hidden_size"])

    @property
    def longest(self) -> int:
        """The maximum number of tokens."""
        return int(self.config["max_position_embeddings"])

    def state(self) -> "dict[str, Tensor]":
        """Load the weights by current names: `embeddings.*`, `encoder.*` and, if present, `cls.predictions.*`, float32.

        Raises:
            DataError: The file is damaged or has changed.
        """
        from safetensors.torch import load_file

        try:
            tensors = load_file(self.folder / WEIGHTS)
        except Exception as error:  # safetensors and the file system have different ones
            raise DataError(_damaged(self.folder / WEIGHTS, error)) from None
        state = {_current_name(name): tensor.float() for name, tensor in tensors.items()}
        return {name: tensor for name, tensor in state.items() if _is_used(name)}


def load_checkpoint(name: str, folder: Path) -> Checkpoint:
    """Validate the files in a folder.

    Raises:
        DataError: A file is missing, damaged, or not of a BERT.
    """
    for file in FILES:
        if not (folder / file).is_file():
            raise DataError(f"{folder} has no {file}: a BERT needs {', '.join(FILES)}; add the file.")
    stamps = tuple((stat.st_size, stat.st_mtime_ns) for stat in ((folder / file).stat() for file in FILES))
    return Checkpoint(name, folder, _check(folder, stamps))


@cache
def _check(folder: Path, stamps: tuple[tuple[int, int], ...]) -> str:
    """Validate a folder and return its checksum; cached while sizes and times of the files (`stamps`) stay the same."""
    config, words = _config(folder), _vocabulary(folder)
    _check_weights(folder / WEIGHTS, config)
    if len(words) > config["vocab_size"]:
        raise DataError(
            f"{folder / VOCABULARY} has {len(words):,} word pieces, more than vocab_size {config['vocab_size']:,}."
        )
    digest = hashlib.sha256()
    for file in FILES:
        digest.update(bytes.fromhex(file_digest(folder / file)))
    return digest.hexdigest()


def _config(folder: Path) -> dict[str, Any]:
    file = folder / CONFIG
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(_damaged(file, error)) from None
    kind = config.get("model_type", "bert") if isinstance(config, dict) else type(config).__name__
    if kind != "bert":
        raise DataError(f"{file}: model_type is '{str(kind)[:40]}', expected 'bert'.")
    for name, high in _SIZES.items():
        value = config.get(name)
        if type(value) is not int or not 0 < value <= high:
            raise DataError(f"{file}: {name} is {json.dumps(value)[:40]}, expected a whole number from 1 to {high:,}.")
    if config["hidden_size"] % config["num_attention_heads"]:
        raise DataError(f"{file}: hidden_size {config['hidden_size']} is not a multiple of num_attention_heads.")
    return dict(config)


def _vocabulary(folder: Path) -> list[str]:
    file = folder / VOCABULARY
    try:
        words = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(_damaged(file, error)) from None
    missing = [word for word in SPECIAL if word not in words]
    if missing or words[0] != SPECIAL[0] or len(set(words)) != len(words):
        reason = f"it has no {missing[0]}" if missing else f"it starts with '{words[0][:20]}' or has duplicates"
        raise DataError(f"{file}: this is not a WordPiece vocabulary of BERT ({reason}); download it again.")
    return words


def _check_weights(file: Path, config: dict[str, Any]) -> None:
    """Check that the file is complete and its shapes match the config; tensors are not read."""
    from safetensors import safe_open

    try:
        with safe_open(file, "pt") as opened:
            shapes = {_current_name(name): tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except Exception as error:  # safetensors and the file system have different ones
        raise DataError(_damaged(file, error)) from None
    width, inner = config["hidden_size"], config["intermediate_size"]
    last = f"encoder.layer.{config['num_hidden_layers'] - 1}"
    expected = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], width),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], width),
        f"{last}.attention.self.query.weight": (width, width),
        f"{last}.output.dense.weight": (width, inner),
    }
    for name, shape in expected.items():
        if shapes.get(name) != shape:
            actual = f"of shape {shapes[name]}" if name in shapes else "missing"
            raise DataError(f"{file}: {name} is {actual}, {CONFIG} implies {shape}; use files that belong together.")


def _current_name(name: str) -> str:
    """Convert the name of a weight to the current form: without `bert.`, and norms with weight and bias."""
    name = name.removeprefix("bert.")
    return re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name))


def _is_used(name: str) -> bool:
    return name.startswith(("embeddings.", "encoder.", "cls.predictions.")) and not name.endswith("_ids")


def _damaged(file: Path, error: BaseException) -> str:
    return f"{file} cannot be read ({one_line(error)[:80]}): delete it and download it again."
