"""Hostile bundles: each changes the files of a valid one, and must be rejected in one line."""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Files = Mapping[str, bytes]
LONG = 200_000


def _json(files: Files, name: str, **changes: Any) -> Files:
    return {**files, name: json.dumps({**json.loads(files[name]), **changes}).encode()}


def _run(files: Files, part: str, **changes: Any) -> Files:
    return _json(files, "run.json", **{part: {**json.loads(files["run.json"])[part], **changes}})


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _predictions(files: Files, **changes: Any) -> Files:
    with np.load(io.BytesIO(files["predictions.npz"])) as stored:
        return {**files, "predictions.npz": _npz(**{**stored, **changes})}


def _weights(files: Files, change: Callable[[dict[str, Any]], Any]) -> Files:
    """Change the header of the safetensors file."""
    data = files["model.safetensors"]
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    change(header)
    text = json.dumps(header).encode()
    return {**files, "model.safetensors": struct.pack("<Q", len(text)) + text + data[8 + size :]}


def _npy_bomb(megabytes: int) -> bytes:
    """Return an .npz with a float32 array of zeros, compressed a thousand times, without holding it."""
    head, buffer = io.BytesIO(), io.BytesIO()
    shape = (megabytes * 2**18,)
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("scores.npy", "w") as file,
    ):
        file.write(head.getvalue())
        for _ in range(megabytes):
            file.write(bytes(2**20))
    return buffer.getvalue()


def _first(header: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = next(iter(header.values()))
    return entry


ROW = b"batch_loss,1,0.5\n"
HOSTILE: dict[str, Callable[[Files], Files]] = {
    "metrics of 70 MB": lambda f: {**f, "metrics.csv": b"name,step,value\n" + ROW * (70 * 2**20 // len(ROW))},
    "metrics of 2,000,000 rows": lambda f: {**f, "metrics.csv": b"name,step,value\n" + b"a,1,1\n" * 2_000_000},
    "metrics of 2,000 names": lambda f: {
        **f,
        "metrics.csv": b"name,step,value\n" + b"".join(b"m%d,1,1\n" % n for n in range(2_000)),
    },
    "a metric with a long name": lambda f: {**f, "metrics.csv": b"name,step,value\n" + b"a" * LONG + b",1,1\n"},
    "a step of 30 digits": lambda f: {**f, "metrics.csv": b"name,step,value\na," + b"9" * 30 + b",1\n"},
    "a label of 200,000 characters": lambda f: {**f, "labels.json": json.dumps(["a" * LONG, "b"]).encode()},
    "100,000 labels": lambda f: {**f, "labels.json": json.dumps([str(n) for n in range(100_000)]).encode()},
    "labels in labels": lambda f: {**f, "labels.json": b'[["a"], ["b"]]'},
    "labels that are numbers": lambda f: {**f, "labels.json": b"[1, 2]"},
    "long labels in the record": lambda f: _json(f, "run.json", labels=["a" * LONG, "b"]),
    "facts of 9,999,999": lambda f: _run(f, "facts", vocabulary=9_999_999, width=9_999_999),
    "facts within bounds, too large": lambda f: _run(f, "facts", vocabulary=1_000_000, width=1_000_000),
    "facts below zero": lambda f: _run(f, "facts", width=-5),
    "facts that are texts": lambda f: _run(f, "facts", width="<b>"),
    "an epoch that is not a number": lambda f: {
        **f,
        "run.json": f["run.json"].replace(b'"duration_s": ', b'"duration_s": NaN, "x": ', 1),
    },
    "a metric of 1e999": lambda f: {
        **f,
        "run.json": f["run.json"].replace(b'"accuracy": ', b'"accuracy": 1e999, "x": ', 1),
    },
    "1e30 epochs": lambda f: _run(f, "record", epochs=10**30),
    "no steps per epoch": lambda f: _run(f, "record", steps_per_epoch=0),
    "a negative step": lambda f: _run(f, "record", step=-1),
    "a number of 5,000 digits": lambda f: {**f, "threshold.json": b'{"threshold": ' + b"9" * 5_000 + b"}"},
    "an infinite threshold": lambda f: {**f, "threshold.json": b'{"threshold": Infinity}'},
    "a long verdict": lambda f: _run(f, "evaluation", verdict="a" * LONG),
    "a long preset": lambda f: _run(f, "record", preset="a" * LONG),
    "a long receipt": lambda f: _json(f, "run.json", data_receipt=["a" * LONG]),
    "preprocessing too deep": lambda f: {**f, "preprocessing.json": b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"},
    "preprocessing much too deep": lambda f: {**f, "preprocessing.json": b'{"a":' * 100_000 + b"1" + b"}" * 100_000},
    "preprocessing of 9 MB": lambda f: {**f, "preprocessing.json": b'{"a": "' + b"a" * (9 * 2**20) + b'"}'},
    "a million empty lists": lambda f: {**f, "preprocessing.json": b'{"a": [' + b"[]," * 4_000_000 + b"1]}"},
    "a card of 2 MB": lambda f: {**f, "card.md": b"a" * 2**21},
    "a card that is no text": lambda f: {**f, "card.md": b"\xff\xfe\x00"},
    "scores that unpack to 200 MB": lambda f: {**f, "predictions.npz": _npy_bomb(200)},
    "gradients that unpack to 200 MB": lambda f: {**f, "gradients.npz": _npy_bomb(200)},
    "2,000 arrays": lambda f: {**f, "predictions.npz": _npz(**{f"a{n}": np.zeros(1) for n in range(2_000)})},
    "scores that are not finite": lambda f: _predictions(f, scores=np.full((500, 6), np.nan, np.float32)),
    "scores of more classes": lambda f: _predictions(f, scores=np.zeros((500, 7), np.float32)),
    "scores that are texts": lambda f: _predictions(f, scores=np.full((500, 6), "<b>")),
    "targets of no class": lambda f: _predictions(f, targets=np.full(500, 6)),
    "targets that are fractions": lambda f: _predictions(f, targets=np.full(500, 0.5)),
    "texts of a million characters": lambda f: _predictions(f, ids=np.full(2, "a" * 1_000_000)),
    "weights with a header of 2^60 bytes": lambda f: {**f, "model.safetensors": struct.pack("<Q", 2**60) + b"{}"},
    "weights that claim 80 TB": lambda f: _weights(f, lambda h: _first(h).update(shape=[10**13])),
    "weights of another shape": lambda f: _weights(
        f, lambda h: max(h.values(), key=lambda entry: entry["shape"])["shape"].reverse()
    ),
    "weights below zero": lambda f: _weights(f, lambda h: _first(h).update(shape=[-1, -1])),
    "weights that overlap": lambda f: _weights(f, lambda h: _first(h).update(data_offsets=[0, 1])),
    "weights without names": lambda f: {**f, "model.safetensors": struct.pack("<Q", 2) + b"{}"},
    "weights with a deep header": lambda f: {
        **f,
        "model.safetensors": struct.pack("<Q", 200_000) + b"[" * 100_000 + b"]" * 100_000,
    },
    "further weights": lambda f: _weights(
        f, lambda h: h.update({"<script>": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}})
    ),
    "a terminal's escape sequence": lambda f: {**f, "\x1b[2Jcleared": b"x"},
    "a name of two lines": lambda f: {**f, "a\nb": b"x"},
    "2,000 files": lambda f: {**f, **{f"file {n}": b"" for n in range(2_000)}},
}


def write_bundles(folder: Path, files: Files) -> Iterator[tuple[str, Path]]:
    """Write each bundle as a zip; yields its name and path."""
    for number, (name, change) in enumerate(HOSTILE.items()):
        path = folder / f"{number}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for part, data in change(files).items():
                archive.writestr(part, data)
        yield name, path
