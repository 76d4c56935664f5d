"""Downloading, against a server on this machine."""

import errno
import gc
import hashlib
import io
import random
import socket
import tarfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pixelrl.data import download as datasets
from pixelrl.errors import DataError


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "served"
    folder.mkdir()
    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


def tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            item = tarfile.TarInfo(name)
            item.size = len(content)
            file.addfile(item, io.BytesIO(content))


IMAGES = "BSR/BSDS500/data/images"


def test_the_listed_folders_are_unpacked_once(
    server: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, address = server
    served = folder / "bsds.tgz"
    tar(
        served,
        {
            f"{IMAGES}/train/1.jpg": b"one",
            f"{IMAGES}/test/2.jpg": b"two",
            "BSR/BSDS500/data/groundTruth/train/1.mat": b"not wanted",
            f"{IMAGES}/train/../../../../../../evil.jpg": b"outside",
            f"{IMAGES}/train/..": b"outside",
            "/etc/evil.jpg": b"outside",
        },
    )
    got = datasets.fetch("bsds500", tmp_path / "data", url=f"{address}/bsds.tgz")
    files = {path.relative_to(got).as_posix() for path in got.rglob("*") if path.is_file()}
    assert files == {"train/1.jpg", "test/2.jpg", "SOURCE.txt"}
    assert (got / "train" / "1.jpg").read_bytes() == b"one"
    assert not list(tmp_path.rglob("evil.jpg"))
    sha256 = hashlib.sha256(served.read_bytes()).hexdigest()
    assert sha256 in capsys.readouterr().out
    assert sha256 in (got / "SOURCE.txt").read_text()
    served.unlink()
    assert datasets.fetch("bsds500", tmp_path / "data", url=f"{address}/bsds.tgz") == got


def test_what_goes_wrong_is_told_in_one_line(
    server: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = server

    def told(name: str, url: str = "") -> str:
        with pytest.raises(DataError) as caught:
            datasets.fetch(name, tmp_path / "data", url=url)
        message = str(caught.value)
        del caught
        with warnings.catch_warnings():  # requests leaves refused sockets to the collector
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        assert "\n" not in message
        return message

    assert "Did you mean 'bsds500'" in told("bsd500")
    assert "404" in told("bsds500", f"{address}/missing.tgz")
    with socket.socket() as closed:  # its port is taken, and nobody listens there
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert "cannot be had" in told("bsds500", f"http://127.0.0.1:{port}/closed.tgz")
    (folder / "text.tgz").write_bytes(b"not an archive")
    assert "a damaged archive" in told("bsds500", f"{address}/text.tgz")
    tar(folder / "other.tgz", {"other/1.jpg": b"one"})
    assert "none of the folders" in told("bsds500", f"{address}/other.tgz")
    expected = replace(datasets.ARCHIVES["bsds500"], sha256="0" * 64)
    monkeypatch.setitem(datasets.ARCHIVES, "bsds500", expected)
    tar(folder / "changed.tgz", {f"{IMAGES}/train/1.jpg": b"one"})
    assert "checksum differs" in told("bsds500", f"{address}/changed.tgz")
    assert not (tmp_path / "data" / "bsds500").exists()


def test_a_damaged_archive_is_never_taken_for_whole(
    server: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = server
    noise = random.Random(0).randbytes(20_000)
    tar(folder / "whole.tgz", {f"{IMAGES}/train/{name}.jpg": noise for name in "12"})
    whole = (folder / "whole.tgz").read_bytes()
    for place in range(100, len(whole) - 8, len(whole) // 20):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (folder / "damaged.tgz").write_bytes(damaged)
        with pytest.raises(DataError, match="a damaged archive"):
            datasets.fetch("bsds500", tmp_path / "data", url=f"{address}/damaged.tgz")
    got = datasets.fetch("bsds500", tmp_path / "data", url=f"{address}/whole.tgz")
    assert (got / "train" / "2.jpg").read_bytes() == noise


def test_a_root_that_cannot_be_written_is_told(
    server: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = server
    tar(folder / "bsds.tgz", {f"{IMAGES}/train/1.jpg": b"one"})
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written: Not a directory"):
        datasets.fetch("bsds500", tmp_path / "file", url=f"{address}/bsds.tgz")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="the disk is full") as caught:
        datasets.fetch("bsds500", tmp_path / "data", url=f"{address}/bsds.tgz")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data" / "bsds500" / "SOURCE.txt").exists()
