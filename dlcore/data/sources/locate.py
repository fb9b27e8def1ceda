"""Where a dataset is found, and how one is fetched; `datasets` says which there are.

A dataset is looked for in this order: the folders of `DLCORE_DATA`, the cache folder, the Python package that carries
it, then `assets/data`. What is nowhere can be fetched with `fetch`, which needs a network; nothing else here does.
Datasets of one's own (`own:NAME`, see `own`) are found under `DLCORE_HOME`.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from dlcore.core import settings
from dlcore.core.errors import DataMissingError, RequestError
from dlcore.data.custom import registry as own
from dlcore.data.sources import bert_weights, weights
from dlcore.data.sources.registry import DATASETS, Dataset, DatasetFile

__all__ = ["DATASETS", "Dataset", "Progress", "fetch", "find", "get_dataset", "is_available", "require"]

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


def get_dataset(name: str) -> Dataset:
    """The dataset of that name; `own:NAME` is one that a person added.

    Raises:
        RequestError: there is none; says which there are.
    """
    if own.is_custom(name):
        return _own(name)
    if name.removeprefix(weights.PREFIX) in weights.WEIGHTS:
        return _weights(name)
    if name.startswith(bert_weights.PREFIX):
        return _bert(name)
    if name not in DATASETS:
        raise RequestError(f"there is no dataset '{name}': known are {', '.join(DATASETS)}.")
    return DATASETS[name]


def find(name: str) -> Path | None:
    """Where the dataset lies on this machine: its file, or the folder of its files; None where it is not."""
    if own.is_custom(name):
        kept = own.find(name)
        return kept.folder if kept else None
    if name.startswith(weights.PREFIX):
        return weights.find(get_dataset(name).name.removeprefix(weights.PREFIX))
    if name.startswith(bert_weights.PREFIX):
        return bert_weights.find(name.removeprefix(bert_weights.PREFIX))
    wanted = get_dataset(name)
    names = [file.name for file in wanted.files]
    for folder in _folders(wanted):
        if wanted.unpacked:
            if all((folder / each).is_dir() for each in names):
                return folder
        elif all((folder / each).is_file() for each in names):
            return folder / names[0] if len(names) == 1 else folder
        for other in wanted.instead:
            if (folder / other).is_file():
                return folder / other
    return None


def is_available(name: str) -> bool:
    """Whether the dataset can be used at once, without a download."""
    return find(name) is not None


def require(name: str) -> Path:
    """Where the dataset lies on this machine.

    Raises:
        DataMissingError: it is not here; says how to get it.
    """
    found = find(name)
    if found is None:
        raise DataMissingError(name, f"{_absent(get_dataset(name))}.")
    return found


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Fetch the dataset unless it is here already, and say where it lies.

    Whole files are kept: what an interrupted download had finished is not fetched again, and a torn file never stays.
    `HTTPS_PROXY` names a proxy; `DLCORE_MIRROR` a web address that serves `<dataset>/<file>`.

    Raises:
        DataError: no network, a file with another checksum, or no address is known; says what to do instead.
        StoreError: the cache folder cannot be written.
    """
    found, wanted = find(name), get_dataset(name)
    if found is not None:
        return found
    if not wanted.downloadable:
        raise DataMissingError(name, f"{_absent(wanted)}.")
    if name.startswith(weights.PREFIX):
        return weights.fetch(name.removeprefix(weights.PREFIX), progress)
    if name.startswith(bert_weights.PREFIX):
        return bert_weights.get(name.removeprefix(bert_weights.PREFIX), progress)
    from dlcore.data.sources.download import download  # pooch and requests take 0.2 s, and only a download needs them

    target, before = settings.cache() / "data" / name, 0
    for file in wanted.files:
        address = f"{settings.mirror_url()}/{name}/{file.name}" if settings.mirror_url() else file.url
        download(address, target / file.name, file.checksum, progress=_part(progress, before, wanted.size))
        before += file.size
    return require(name)


def _own(name: str) -> Dataset:
    found = own.find(name)
    if found is None:
        raise RequestError(f"there is no dataset '{name[:50]}' here: `python -m dlcore data list` shows yours.")
    return Dataset(
        name=found.dataset,
        title=f"{found.name} (your own)",
        kind=found.kind,
        homepage="",
        licence="your own",
        rows=found.rows,
        files=(),
        own=True,
    )


def _weights(name: str) -> Dataset:
    found = weights.WEIGHTS[name.removeprefix(weights.PREFIX)]
    return Dataset(
        name=name,
        title=f"Weights of {found.backbone}, learnt on ImageNet",
        kind="images",
        homepage="https://docs.pytorch.org/vision/stable/models.html",
        licence=found.licence,
        rows=0,
        files=(DatasetFile(found.name, found.size, url=found.url, checksum=f"sha256:{found.digits}"),),
    )


def _bert(name: str) -> Dataset:
    named = name.removeprefix(bert_weights.PREFIX)
    about = bert_weights.get_known(named)
    return Dataset(
        name=name,
        title=f"{named}, a pretrained BERT",
        kind="text",
        homepage=f"{bert_weights.HOME}/{about.hub}",
        licence=about.licence,
        rows=0,
        files=(DatasetFile(bert_weights.WEIGHTS, about.size, url=bert_weights.file_url(named, bert_weights.WEIGHTS)),),
        package=about.package,
    )


def _part(progress: Progress | None, before: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, _: progress(min(before + done, total), total)


def _folders(wanted: Dataset) -> list[Path]:
    own = [folder / part for folder in settings.data_folders() for part in (*wanted.folders, wanted.name, ".")]
    carried = [folder / wanted.inside for folder in _package_folders(wanted.module)]
    return [
        *own,
        settings.cache() / "data" / wanted.name,
        *carried,
        *([settings.ASSETS / "data"] if wanted.asset else []),
    ]


def _package_folders(module: str) -> list[Path]:
    """Folders of an installed package, found without running any of its code."""
    spec = importlib.util.find_spec(module) if module else None
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def _absent(wanted: Dataset) -> str:
    size = f"{wanted.size / 1e6:.1f} MB, licence: {wanted.licence}"
    here = f"dataset '{wanted.name}' is not on this machine"
    if not wanted.downloadable and not wanted.package:
        file = wanted.files[0].name
        if wanted.unpacked:
            file = f"its folders {', '.join(each.name for each in wanted.files)} into {wanted.folders[0]}"
        return f"{here}, and no address to fetch it from is known: put {file} ({size}) in a folder of DLCORE_DATA"
    step = f"python -m dlcore data get {wanted.name}" if wanted.downloadable else f"pip install {wanted.package}"
    return f"{here}: run `{step}` ({size}), or put it in a folder of DLCORE_DATA"
