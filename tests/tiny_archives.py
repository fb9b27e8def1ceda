"""Tiny archives in the original layouts of the public datasets, and a web server on this machine that serves them."""

import gzip
import hashlib
import http.server
import io
import json
import struct
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from PIL import Image

from dlcore.data.series.air_quality import UNITS
from dlcore.data.sources import extract
from dlcore.data.sources.registry import DATASETS
from dlcore.data.text import templates

DISHES = ("apple_pie", "baklava")
COUNTS = {"small_train": 8, "small_test": 4, "large_train": 4, "large_test": 2}


def idx(array: np.ndarray) -> bytes:
    """Return an idx file, compressed."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.tobytes())


def tar(files: dict[str, bytes]) -> bytes:
    """Return a tar.gz."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def photo(seed: int, size: tuple[int, int] = (300, 400)) -> bytes:
    """Return a JPEG of random blocks."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(blocks).resize(size).save(buffer, "JPEG")
    return buffer.getvalue()


def _idx_set(names: tuple[str, ...]) -> dict[str, bytes]:
    random = np.random.default_rng(0)
    arrays = []
    for rows in (200, 40):
        labels = (np.arange(rows) % 10).astype(np.uint8)
        arrays += [random.integers(0, 256, (rows, 28, 28), dtype=np.uint8), labels]
    return dict(zip(names, map(idx, arrays), strict=True))


def _cifar() -> dict[str, bytes]:
    random, files = np.random.default_rng(0), {}
    for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"):
        records = random.integers(0, 256, (40, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(40) % 10
        files[f"cifar-10-batches-bin/{name}.bin"] = records.tobytes()
    return {"cifar-10-binary.tar.gz": tar(files)}


def food_list() -> dict[str, dict[str, list[int]]]:
    """Return the list of photos of two dishes, as `FOOD101_LIST` holds it."""
    starts = dict(zip(COUNTS, np.cumsum([0, *COUNTS.values()]), strict=False))
    return {
        dish: {part: [1000 * k + int(starts[part]) + n for n in range(count)] for part, count in COUNTS.items()}
        for k, dish in enumerate(DISHES, start=1)
    }


def _food101() -> dict[str, bytes]:
    files = {"food-101/README.txt": b"photos"}
    for dish, parts in food_list().items():
        files |= {f"food-101/images/{dish}/{n}.jpg": photo(n) for numbers in parts.values() for n in numbers}
        files[f"food-101/images/{dish}/99999.jpg"] = photo(99)  # not on the list
    files["food-101/meta/test.txt"] = b"baklava/2008"
    return {"food-101.tar.gz": tar(files)}


def _imdb() -> dict[str, bytes]:
    words = {"neg": "dull weak boring poor", "pos": "lovely strong great moving"}
    files = {
        f"aclImdb/{part}/{side}/{n}_5.txt": f"A {text.split()[n % 4]} film number {n} of {part}, {text}.".encode()
        for part in ("train", "test")
        for side, text in words.items()
        for n in range(60)
    }
    return {"aclImdb_v1.tar.gz": tar(files)}


def _ag_news() -> dict[str, bytes]:
    texts, names = templates.make_texts(templates.HEADLINES)
    order = list(templates.HEADLINES)
    lines = [f'"{order.index(name) + 1}","{text}","{text} today"' for text, name in zip(texts, names, strict=True)]
    return {"train.csv": "\n".join(lines[:400]).encode(), "test.csv": "\n".join(lines[400:500]).encode()}


def _trec() -> dict[str, bytes]:
    texts, names = templates.make_texts(templates.QUESTIONS)
    lines = [f"{name}:other {text}" for text, name in zip(texts, names, strict=True)]
    return {
        "train_5500.label": "\n".join(lines[:400]).encode("latin-1"),
        "TREC_10.label": "\n".join(lines[400:460]).encode("latin-1"),
    }


def air_quality_csv(rows: int = 1200) -> bytes:
    """Return a table like UCI's: semicolons, decimal commas, empty columns at the end."""
    hours, random = np.arange(rows), np.random.default_rng(0)
    lines = ["Date;Time;" + ";".join(UNITS) + ";;"]
    for hour in hours:
        day = np.datetime64("2004-03-10T00", "h") + hour
        date, time = str(day).split("T")
        values = 10 + np.sin(hour * 2 * np.pi / 24) + random.normal(0, 0.1, len(UNITS))
        cells = ";".join(f"{value:.2f}".replace(".", ",") for value in values)
        lines.append(f"{'/'.join(reversed(date.split('-')))};{time}.00.00;{cells};;")
    return "\n".join(lines).encode()


def _glove() -> dict[str, bytes]:
    random = np.random.default_rng(0)
    words = sorted({word for text in templates.make_texts(templates.HEADLINES)[0] for word in text.lower().split()})
    lines = [f"{word} {' '.join(f'{value:.3f}' for value in random.normal(0, 1, 100))}" for word in words]
    return {"glove.6B.zip": zipped({"glove.6B.100d.txt": "\n".join(lines).encode()})}


ARCHIVES = {
    "air_quality": lambda: {"air+quality.zip": zipped({"AirQualityUCI.csv": air_quality_csv()})},
    "fashion_mnist": lambda: _idx_set(tuple(file.name for file in DATASETS["fashion_mnist"].files)),
    "mnist": lambda: _idx_set(tuple(file.name for file in DATASETS["mnist"].files)),
    "cifar10": _cifar,
    "food101_mini": _food101,
    "food101_ten": _food101,
    "imdb": _imdb,
    "ag_news": _ag_news,
    "trec6": _trec,
    "trec50": _trec,
    "glove": _glove,
}
"""Dataset -> its files as they are on the server."""


def install(name: str, tmp_path, monkeypatch) -> dict[str, bytes]:
    """Replace size and checksums of a dataset by those of its tiny archive; return the files to serve."""
    served, dataset = ARCHIVES[name](), DATASETS[name]
    if name.startswith("food101"):
        (tmp_path / "list.json").write_text(json.dumps(food_list()), encoding="utf-8")
        monkeypatch.setattr(extract, "FOOD101_LIST", tmp_path / "list.json")
    for entry in [other for other in DATASETS.values() if other.files and other.files[0].url == dataset.files[0].url]:
        files = []
        for file in entry.files:
            content = served[file.url.rpartition("/")[2]]
            kept = air_quality_csv() if file.member else content
            digest = f"sha256:{hashlib.sha256(kept).hexdigest()}"
            transfer = len(content) if file.transfer else 0
            files.append(replace(file, size=len(kept), checksum=digest, transfer=transfer))
        monkeypatch.setitem(DATASETS, entry.name, replace(entry, files=tuple(files)))
    return {f"/{name}/{file}": content for file, content in served.items()}


@contextmanager
def serve(files: dict[str, bytes], *, ranges: bool = True, cut_after: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Serve files by path; yield the address and the list of requests. `cut_after`: bytes of one answer at most."""
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(f"{self.path} {self.headers.get('Range', '')}".strip())
            content, status = files.get(self.path), 200
            if content is None:
                self.send_error(404)
                return
            if ranges and (begin := self.headers.get("Range", "").removeprefix("bytes=").rstrip("-")):
                content, status = content[int(begin) :], 206
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:cut_after] if cut_after else content)
            self.close_connection = True

        def log_message(self, *args) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
