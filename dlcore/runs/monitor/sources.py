"""Where points come from: a growing file, a folder of files, an address, standard input, or a stored series.

A source returns what is new at each call and never waits. Its state lets another process continue there; points that
come twice are dropped by the detector.
"""

import hashlib
import json
import os
import queue
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import numpy as np
import requests

from dlcore.core.errors import DataError, RequestError
from dlcore.data.series.series import Series
from dlcore.runs.monitor.rows import Points, RowParser

BLOCK = 32 * 1024
"""Bytes that are read at once: some hundred lines."""
HEAD = 256
"""First bytes of a file, by which a replaced one is known."""
LINE_LIMIT = 1024 * 1024
REPLY_LIMIT = 64 * 1024 * 1024
TIMEOUT_S = 10.0
SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".log")


class PointSource(Protocol):
    """A source of points. `name` identifies it between processes; `step_ms` is 0 if unknown; `notes` are warnings since
    they were last taken."""

    name: str
    step_ms: int
    notes: list[str]

    def read(self) -> Points | None:
        """Return the next points; none yet if empty, none ever if None."""
        ...

    def state(self) -> dict[str, Any]:
        """Return the position after the last points, as a JSON-able dict."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue at that position."""
        ...

    def close(self) -> None:
        """Release files."""
        ...


class FollowedFile:
    """A file that grows. It is read again from its start after it was truncated or replaced; of a file that was renamed
    the rest is read first. A last line without its end waits until it is complete."""

    step_ms = 0

    def __init__(
        self, path: Path, *, time: str = "", value: str | tuple[str, ...] = "", must_exist: bool = True
    ) -> None:
        if must_exist and not path.is_file():
            raise DataError(f"{path}: no such file: name one that can be read.")
        self.path, self.name, self.notes = path, str(path.resolve()), list[str]()
        self.columns = (time, value)
        self.file: IO[bytes] | None = None
        self.offset, self.head = 0, ""
        self._start_over()

    def read(self) -> Points | None:
        """Return the points of the next lines."""
        if self.file is None and not self._open():
            return self._parse(b"")
        if self._is_cut():
            self.notes.append(f"{self.path.name} was truncated or replaced: it is read from its start.")
            self._start_over()
        data = self._read_lines()
        if data or not self._is_replaced():
            return self._parse(data)
        remainder = self._parse(self._read_rest())
        self.notes.append(f"{self.path.name} was replaced: the new file is read from its start.")
        self.close()
        self._start_over()
        return remainder if len(remainder[0]) else self.read()

    def close(self) -> None:
        """Close the file until the next call."""
        if self.file is not None:
            self.file.close()
        self.file = None

    def state(self) -> dict[str, Any]:
        """Return offset, first bytes and columns."""
        return {"offset": self.offset, "head": self.head, "parser": self.parser.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue at the offset; the next call notices if the file was replaced since."""
        self.offset, self.head = int(state["offset"]), str(state["head"])
        self.parser.restore(state["parser"])

    def _start_over(self) -> None:
        self.parser = RowParser(time=self.columns[0], value=self.columns[1], where=self.path.name)
        self.offset, self.head = 0, ""

    def _open(self) -> bool:
        try:
            self.file = self.path.open("rb")
        except FileNotFoundError:
            return False
        except OSError as error:
            raise DataError(f"{self.path}: {error.strerror or error}: name a file that can be read.") from None
        return True

    def _is_cut(self) -> bool:
        """Whether the open file is shorter than what was read, or begins in another way."""
        assert self.file is not None
        if os.fstat(self.file.fileno()).st_size < self.offset:
            return True
        return self._read_head(min(HEAD, self.offset)) != self.head

    def _read_head(self, size: int) -> str:
        assert self.file is not None
        self.file.seek(0)
        return hashlib.sha256(self.file.read(size)).hexdigest() if size else ""

    def _is_replaced(self) -> bool:
        """Whether another file has this path now."""
        assert self.file is not None
        try:
            return not os.path.samestat(self.path.stat(), os.fstat(self.file.fileno()))
        except OSError:
            return False  # renamed, and the new one is not there yet

    def _read_lines(self) -> bytes:
        """Return the next complete lines, at most a block of them."""
        assert self.file is not None
        self.file.seek(self.offset)
        data = self.file.read(BLOCK)
        end = data.rfind(b"\n") + 1
        while not end and len(data) >= BLOCK:  # a very long line
            more = self.file.read(BLOCK)
            if not more or len(data) > LINE_LIMIT:
                break
            data += more
            end = data.rfind(b"\n") + 1
        if len(data) > LINE_LIMIT and not end:
            raise DataError(f"{self.path}: a line is longer than {LINE_LIMIT:,} bytes: name a table of text.")
        if end:
            self.offset += end
            self.head = self._read_head(min(HEAD, self.offset))
        return data[:end]

    def _read_rest(self) -> bytes:
        """Return all that is left of a file that is complete, its last line included."""
        assert self.file is not None
        self.file.seek(self.offset)
        return self.file.read()

    def _parse(self, data: bytes) -> Points:
        return self.parser.parse(data.decode("utf-8-sig", "replace").splitlines())


class FollowedFolder:
    """The tables of a folder in the order of their names; files may grow, and new ones appear."""

    step_ms = 0

    def __init__(self, path: Path, *, time: str = "", value: str | tuple[str, ...] = "") -> None:
        if not path.is_dir():
            raise DataError(f"{path}: no such folder: name one that can be read.")
        self.path, self.name, self.notes = path, str(path.resolve()), list[str]()
        self.columns = (time, value)
        self.files: dict[str, FollowedFile] = {}
        self.stored: Mapping[str, Any] = {}

    def read(self) -> Points | None:
        """Return the next points of the first file that has any."""
        for path in sorted(self.path.iterdir()):
            if path.suffix.lower() not in SUFFIXES or path.name.startswith(".") or not path.is_file():
                continue
            file = self.files.get(path.name)
            if file is None:
                file = FollowedFile(path, time=self.columns[0], value=self.columns[1])
                if path.name in self.stored:
                    file.restore(self.stored[path.name])
                self.files[path.name] = file
            points = file.read()
            file.close()  # a folder may hold more files than a process may open
            self.notes += file.notes
            file.notes.clear()
            if points is not None and len(points[0]):
                return points
        return np.zeros(0, np.int64), np.zeros(0)

    def state(self) -> dict[str, Any]:
        """Return the state of each file."""
        return {**self.stored, **{name: file.state() for name, file in self.files.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue in each file."""
        self.stored = state

    def close(self) -> None:
        """Nothing is open."""


class PolledUrl:
    """An address that answers with a table or with JSON, asked every `every_s` seconds."""

    step_ms = 0

    def __init__(self, url: str, *, every_s: float, time: str = "", value: str | tuple[str, ...] = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RequestError(f"--url {url[:60]}: write an address that starts with http:// or https://.")
        if not every_s > 0:
            raise RequestError(f"--every {every_s:g}: choose a number of seconds above 0.")
        self.url, self.every_s, self.columns = url, every_s, (time, value)
        self.name, self.notes = url, list[str]()
        self.at, self.is_reached = 0.0, False

    def read(self) -> Points | None:
        """Return all points of the reply if it is time to ask, else none."""
        empty = np.zeros(0, np.int64), np.zeros(0)
        if self.at and monotonic() < self.at + self.every_s:
            return empty
        self.at = monotonic()
        try:
            lines = self._fetch()
        except (requests.RequestException, ValueError) as error:
            reason = f"{urlsplit(self.url).hostname} does not answer ({type(error).__name__})"
            if not self.is_reached:
                raise DataError(f"--url: {reason}: check the address.") from None
            self.notes.append(f"{reason}; it is asked again.")
            return empty
        points = RowParser(time=self.columns[0], value=self.columns[1], where="the reply of --url").parse(lines)
        self.is_reached = True
        return points

    def state(self) -> dict[str, Any]:
        """Return nothing: the last time is enough."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue; a server that is away for now is asked again."""
        self.is_reached = True

    def close(self) -> None:
        """Nothing is open."""

    def _fetch(self) -> list[str]:
        with requests.get(self.url, timeout=TIMEOUT_S, stream=True) as reply:
            reply.raise_for_status()
            content = b""
            for block in reply.iter_content(BLOCK):
                content += block
                if len(content) > REPLY_LIMIT:
                    raise ValueError("reply too long")
        text = content.decode("utf-8-sig", "replace")
        if text.lstrip()[:1] == "[":
            return [json.dumps(row) for row in json.loads(text)]
        return text.splitlines()


class StandardInput:
    """Lines of a stream, read by a thread so that waiting for them stops nothing."""

    step_ms, name = 0, "standard input"

    def __init__(self, stream: IO[bytes], *, time: str = "", value: str | tuple[str, ...] = "") -> None:
        self.notes: list[str] = []
        self.parser = RowParser(time=time, value=value, where=self.name)
        self.lines: queue.Queue[bytes] = queue.Queue(4 * 1024)
        self.is_open = True
        threading.Thread(target=self._read_all, args=(stream,), daemon=True).start()

    def read(self) -> Points | None:
        """Return the points of the lines that have arrived; None after the last one."""
        lines: list[bytes] = []
        while self.is_open and len(lines) < 1024 and not self.lines.empty():
            line = self.lines.get()
            self.is_open = bool(line)
            lines += [line] if line else []
        if not lines and not self.is_open:
            return None
        return self.parser.parse([line.decode("utf-8-sig", "replace").rstrip("\r\n") for line in lines])

    def state(self) -> dict[str, Any]:
        """Return nothing: lines that were read cannot be read again."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue."""

    def close(self) -> None:
        """Nothing is open."""

    def _read_all(self, stream: IO[bytes]) -> None:
        while line := stream.readline(LINE_LIMIT):
            self.lines.put(line)
        self.lines.put(b"")


class Replay:
    """A stored series at `speed` times its own pace; all at once with speed 0. `columns` are those of the run."""

    def __init__(self, series: Series, *, name: str, speed: float = 0.0, columns: tuple[str, ...] = ()) -> None:
        if series.names != columns:
            has, needs = (", ".join(each) or "one value" for each in (series.names, columns))
            raise RequestError(f"{name[:60]} has {has[:60]}; this run needs {needs[:120]}: choose another.")
        if not 0 <= speed < 1e12:
            raise RequestError(f"--speed {speed:g}: choose a factor of at least 0; 0 is as fast as possible.")
        self.series, self.speed, self.name, self.step_ms = series, speed, f"replay {name}", series.step_ms
        self.notes: list[str] = []
        self.position, self.first, self.start = 0, 0, 0.0

    def set_speed(self, speed: float) -> None:
        """Go on at another pace from here."""
        self.speed, self.start = speed, 0.0
        self.first = min(self.position, len(self.series.times) - 1)

    def read(self) -> Points | None:
        """Return the points that are due."""
        if self.position >= len(self.series.times):
            return None
        now = monotonic()
        self.start = self.start or now
        due = len(self.series.times)
        if self.speed:
            elapsed = (now - self.start) * 1000 * self.speed
            begin = int(self.series.times[self.first])
            due = int(np.searchsorted(self.series.times, begin + elapsed, side="right"))
        part = slice(self.position, max(self.position, min(due, self.position + 1024)))
        self.position = part.stop
        series = self.series
        return series.times[part], series.values[part] if series.columns is None else series.columns[part]

    def state(self) -> dict[str, Any]:
        """Return the number of points read."""
        return {"position": self.position}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue there."""
        self.position = min(int(state["position"]), len(self.series.times))
        self.first, self.start = min(self.position, len(self.series.times) - 1), 0.0

    def close(self) -> None:
        """Nothing is open."""


monotonic = time.monotonic
"""Tests replace it."""
