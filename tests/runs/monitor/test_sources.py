"""Sources of points: growing, truncated and replaced files, folders, addresses, standard input, replays."""

import io
import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlcore.core.errors import DataError, RequestError
from dlcore.data.series.series import Series
from dlcore.runs.monitor import sources
from dlcore.runs.monitor.rows import RowParser
from dlcore.runs.monitor.sources import FollowedFile, FollowedFolder, PolledUrl, Replay, StandardInput


@pytest.fixture(autouse=True)
def _close_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close every followed file at the end of a test."""
    followed: list[FollowedFile] = []
    start = FollowedFile.__init__

    def remember(self: FollowedFile, *args: Any, **options: Any) -> None:
        start(self, *args, **options)
        followed.append(self)

    monkeypatch.setattr(FollowedFile, "__init__", remember)
    yield
    for file in followed:
        file.close()


def lines(first: int, last: int) -> str:
    return "".join(f"2021-01-01 {hour:02d}:00,{hour}.5\n" for hour in range(first, last))


def hours(source: sources.PointSource) -> list[float]:
    points = source.read()
    assert points is not None
    return points[1].tolist()


def test_half_written_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time,value\n" + lines(0, 3) + "2021-01-01 03:00,3")
    source = FollowedFile(path)
    assert hours(source) == [0.5, 1.5, 2.5]
    assert hours(source) == []
    with path.open("a") as file:
        file.write(".5\n" + lines(4, 5))
    assert hours(source) == [3.5, 4.5]


def test_header_alone_waits_for_data(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("when,load\n")
    source = FollowedFile(path)
    assert hours(source) == []
    other = FollowedFile(path)
    other.restore(json.loads(json.dumps(source.state())))
    with path.open("a") as file:
        file.write(lines(0, 2))
    assert hours(other) == [0.5, 1.5]


def test_another_process_continues_at_the_offset(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time,value\n" + lines(0, 3))
    source, later = FollowedFile(path), FollowedFile(path)
    hours(source)
    with path.open("a") as file:
        file.write(lines(3, 5))
    later.restore(json.loads(json.dumps(source.state())))
    assert hours(later) == [3.5, 4.5]


@pytest.mark.parametrize("count", [1, 6])
def test_truncated_file_is_read_from_its_start(tmp_path: Path, count: int) -> None:
    """Also if it has grown again beyond the old position."""
    path = tmp_path / "log.csv"
    path.write_text("time,value\n" + lines(0, 3))
    source = FollowedFile(path)
    hours(source)
    with path.open("r+") as file:  # the same file, as copytruncate does
        file.truncate(0)
        file.write("value,time\n" + "".join(f"{n},2021-01-02 {n:02d}:00\n" for n in range(count)))
    assert hours(source) == [float(n) for n in range(count)]
    assert "truncated" in source.notes[0]


def test_rest_of_a_renamed_file_is_read_first(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time,value\n" + lines(0, 3))
    source = FollowedFile(path)
    hours(source)
    with path.open("a") as file:
        file.write(lines(3, 4) + "2021-01-01 04:00,4.5")
    path.rename(tmp_path / "log.csv.1")
    assert hours(source) == [3.5]
    assert hours(source) == []  # the new file is not there yet
    path.write_text("time,value\n" + lines(5, 7))
    assert [*hours(source), *hours(source)] == [4.5, 5.5, 6.5]
    assert "replaced" in source.notes[0]


def test_folder_is_read_in_order_and_grows(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("time,value\n" + lines(3, 5))
    (tmp_path / "a.csv").write_text("time;value\n" + lines(0, 2).replace(",", ";").replace(".5", ",5"))
    (tmp_path / "notes.pdf").write_text("no table")
    source = FollowedFolder(tmp_path)
    assert [hours(source), hours(source), hours(source)] == [[0.5, 1.5], [3.5, 4.5], []]
    (tmp_path / "c.csv").write_text("time,value\n" + lines(6, 7))
    other = FollowedFolder(tmp_path)
    other.restore(json.loads(json.dumps(source.state())))
    assert [hours(other), hours(other)] == [[6.5], []]


def test_address_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = ["time,value\n" + lines(0, 2), json.dumps([{"time": "2021-01-01T02:00", "value": 2.5, "unit": "C"}]), ""]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if replies[0] else 503)
            self.end_headers()
            self.wfile.write(replies.pop(0).encode())

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    clock = [1.0]
    monkeypatch.setattr(sources, "monotonic", lambda: clock[0])
    source = PolledUrl(f"http://127.0.0.1:{server.server_port}/points", every_s=5)
    try:
        assert hours(source) == [0.5, 1.5]
        assert hours(source) == []  # not yet
        clock[0] += 6
        assert hours(source) == [2.5]
        clock[0] += 6
        assert hours(source) == []
        assert "asked again" in source.notes[0]
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(DataError, match="does not answer"):
        PolledUrl(f"http://127.0.0.1:{server.server_port}/points", every_s=5).read()
    with pytest.raises(RequestError, match="http"):
        PolledUrl("file:///etc/passwd", every_s=5)


def test_standard_input_ends(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream, os.fdopen(writer, "wb", buffering=0) as pipe:
        source = StandardInput(stream)
        assert hours(source) == []
        pipe.write(("time,value\n" + lines(0, 2)).encode())
        pipe.close()
        collected: list[float] = []
        while (points := source.read()) is not None:
            collected += points[1].tolist()
            time.sleep(0.01)
    assert collected == [0.5, 1.5]


def test_replay_keeps_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(sources, "monotonic", lambda: clock[0])
    times = np.arange(3000) * 1000
    source = Replay(Series(times, np.arange(3000.0)), name="seconds", speed=1000)
    assert hours(source) == [0.0]
    clock[0] += 0.5
    assert hours(source) == np.arange(1.0, 501).tolist()
    state = source.state()
    clock[0] += 1000
    again = Replay(Series(times, np.arange(3000.0)), name="seconds", speed=1000)
    again.restore(state)
    assert hours(again) == [501.0]
    clock[0] += 1000
    while points := again.read():
        last = points[1][-1]
    assert last == 2999


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("time,value\n2021-01-01T00:00:00Z,1\n2021-01-01T01:00:00+00:00,2\n", [1, 2]),
        ("1609459200,7\n1609462800,8\n", [7, 8]),
        ("31.12.2020 23:00;1,5\n13.01.2021 00:00;2,5\n", [1.5, 2.5]),
        ("id,date,load\n1,2021-01-01,3\n2,2021-01-02,\n3,2021-01-03,nan\n4,2021-01-04,oops\n", [3, None, None, None]),
        (
            '{"time": "2021-01-01 00:00", "value": 1}\n{"a": 5}\nno\n{"time": "2021-01-01 01:00", "value": null}\n',
            [1, None],
        ),
        ('"2021-01-01 00:00","1"\n"2021-01-01 01:00","2"\n', [1, 2]),
    ],
)
def test_rows_of_many_kinds(text: str, values: list[float | None]) -> None:
    times, parsed = RowParser().parse(io.StringIO(text).read().splitlines())
    assert [None if np.isnan(value) else value for value in parsed] == values
    assert (np.diff(times) > 0).all() and times[0] > 1.6e12 - 1e10


def test_bad_lines_are_counted() -> None:
    parser = RowParser()
    times, _ = parser.parse(["time,value", "2021-01-01 00:00,1", "garbage", "99:99,3", "2021-01-01 01:00,2"])
    assert len(times) == 2 and parser.counts["unreadable"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\nx,y\n", "no column holds times"),
        ("time,a,b\n2021-01-01,1,2\n", "choose one with --value"),
        ("time,text\n2021-01-01,x\n", "no column holds numbers"),
        ("nothing\n", "one column"),
    ],
)
def test_unusable_columns_are_an_error(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        RowParser(where="log.csv").parse(text.splitlines())
