"""Downloading, against a server on this machine."""

import gc
import hashlib
import io
import tarfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pixelrl import datasets
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
            "/etc/evil.jpg": b"outside",
        },
    )
    got = datasets.fetch("bsds500", tmp_path / "data", url=f"{address}/bsds.tgz")
    files = {path.relative_to(got).as_posix() for path in got.rglob("*") if path.is_file()}
    assert files == {"train/1.jpg", "test/2.jpg", "SOURCE.txt"}
    assert (got / "train" / "1.jpg").read_bytes() == b"one"
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
    assert "github.com/stephenyan1231" in told("local-color")
    assert "404" in told("bsds500", f"{address}/missing.tgz")
    assert "cannot be had" in told("bsds500", "http://127.0.0.1:9/closed.tgz")
    (folder / "text.tgz").write_bytes(b"not an archive")
    assert "a damaged archive" in told("bsds500", f"{address}/text.tgz")
    tar(folder / "other.tgz", {"other/1.jpg": b"one"})
    assert "none of the folders" in told("bsds500", f"{address}/other.tgz")
    expected = replace(datasets.ARCHIVES["bsds500"], sha256="0" * 64)
    monkeypatch.setitem(datasets.ARCHIVES, "bsds500", expected)
    tar(folder / "changed.tgz", {f"{IMAGES}/train/1.jpg": b"one"})
    assert "checksum differs" in told("bsds500", f"{address}/changed.tgz")
    assert not (tmp_path / "data" / "bsds500").exists()
