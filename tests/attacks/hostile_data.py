"""Hostile datasets: each must be rejected in one line; those of images are in tests/data/hostile_files.py."""

import io
import json
import zipfile
from collections.abc import Callable

import numpy as np
import pandas as pd

LONG = 200_000


def _zip(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


def _parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(columns).to_parquet(buffer)
    return buffer.getvalue()


def _texts(label: str) -> bytes:
    return b"text,label\n" + "".join(f"word {n},{label if n % 2 else 'b'}\n" for n in range(40)).encode()


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a line of 8,000,000 cells": ("series.csv", lambda: b"," * 8_000_000),
    "12,000,000 cells": ("series.csv", lambda: (b"," * 1_500 + b"\n") * 8_000),
    "3,000 columns": ("series.csv", lambda: (",".join(f"c{n}" for n in range(3_000)) + "\n").encode() * 3),
    "a long column name": ("series.csv", lambda: b"a" * LONG + b",value\n2020-01-01,1\n2020-01-02,2\n"),
    "a cell of 2 MB": ("series.csv", lambda: b"time,value\n" + b"a" * 2**21 + b",1\n"),
    "an open quote": ("series.csv", lambda: b'time,value\n"' + b"2020-01-01,1\n" * 100_000),
    "a formula as time": ("series.csv", lambda: b"time,value\n" + b"=cmd|'/c calc'!A1,1\n" * 300),
    "infinite values": ("series.csv", lambda: b"time,value\n" + b"2020-01-01,1e999\n" * 300),
    "70 MB of spaces": ("series.csv", lambda: b" " * (70 * 2**20)),
    "NUL bytes": ("series.csv", lambda: bytes(100_000)),
    "a label of 200,000 characters": ("texts.csv", lambda: _texts("a" * LONG)),
    "300 labels": (
        "texts.csv",
        lambda: b"text,label\n" + b"".join(b"word %d,%d\n" % (n, n // 6) for n in range(1_800)),
    ),
    "one label": ("texts.csv", lambda: _texts("b")),
    "json too deep": ("texts.json", lambda: b"[" * 100_000 + b"]" * 100_000),
    "json records without end": ("texts.json", lambda: b'[{"text": "a", "label": "b"},'),
    "a name for each record": (
        "texts.json",
        lambda: json.dumps([{"text": "a", "label": "b", f"c{n}": "x"} for n in range(20_000)]).encode(),
    ),
    "a pickle": ("texts.csv", lambda: b"\x80\x04\x95\x1a\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."),
    "a parquet of 2,500 columns": ("texts.parquet", lambda: _parquet(**{f"c{n}": [1] for n in range(2_500)})),
    "a parquet that is cut": ("texts.parquet", lambda: _parquet(text=["a"], label=["b"])[:-50]),
    "a parquet of 400 MB of equal texts": (
        "texts.parquet",
        lambda: _parquet(text=pd.Categorical.from_codes(np.zeros(40_000, int), ["a" * 10_000]), label=["b"] * 40_000),
    ),
    "an Excel file of 260 MB": (
        "texts.xlsx",
        lambda: _zip(**{"xl__sharedStrings.xml": bytes(260 * 2**20), "[Content_Types].xml": b"<Types/>"}),
    ),
    "an Excel file of entities": (
        "texts.xlsx",
        lambda: _zip(
            **{
                "xl__workbook.xml": b"<!DOCTYPE a [<!ENTITY b 'cccc'>]><a>&b;</a>",
                "[Content_Types].xml": b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
            }
        ),
    ),
    "pairs without targets": ("pairs.csv", lambda: b"input,target\n" + b"abc,\n" * 400),
    "pairs of 200,000 characters": ("pairs.csv", lambda: b"input,target\n" + (b"a" * LONG + b",b\n") * 20),
    "a zip of a program": ("photos.zip", lambda: _zip(**{"a__setup.py": b"import os", "b__run.sh": b"#!/bin/sh"})),
    "a zip in a zip": ("photos.zip", lambda: _zip(a__inner=_zip(a=bytes(10 * 2**20)))),
    "a zip of 5,000 files": ("photos.zip", lambda: _zip(**{f"a__{n}.jpg": b"" for n in range(5_000)})),
}
KINDS = {"series": "series", "texts": "text", "pairs": "pairs", "photos": "images"}
"""Kinds of datasets by the stem of the file."""
