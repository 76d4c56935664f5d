"""Widely used images, one command away: fetched, verified and unpacked where recipes look."""

import errno
import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import pooch

from pixelrl.errors import DataError, nearest
from pixelrl.files import write_whole


@dataclass(frozen=True)
class Archive:
    """Describe a set of images that somebody else publishes.

    Attributes:
        title: what it is.
        license: what its authors allow, in a sentence.
        url: of the archive; empty if it must be had by hand.
        sha256: of the archive; empty if its authors publish none: what was got is then printed.
        folders: folder of the archive → folder below ``ROOT/NAME``.
        home: where it is described.
    """

    title: str
    license: str
    url: str
    sha256: str
    folders: tuple[tuple[str, str], ...]
    home: str


ARCHIVES = {
    "bsds500": Archive(
        title="Berkeley Segmentation Data Set 500 (Arbelaez et al., TPAMI 2011)",
        license="non-commercial research and education only",
        url="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
        sha256="",
        folders=(
            ("BSR/BSDS500/data/images/train", "train"),
            ("BSR/BSDS500/data/images/val", "val"),
            ("BSR/BSDS500/data/images/test", "test"),
        ),
        home="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
    ),
}


def fetch(name: str, root: Path, *, url: str = "", progress: bool = False) -> Path:
    """Fetch a set of images, verify and unpack it; once is enough.

    Args:
        name: one of `ARCHIVES`.
        root: where it is unpacked, in a folder of its name.
        url: fetch the archive from this mirror instead.
        progress: show a bar.

    Returns:
        The folder.

    Raises:
        DataError: the name is unknown, or the archive cannot be had, verified or unpacked.
    """
    if name not in ARCHIVES:
        raise DataError(
            f"no data named '{name}'.{nearest(name, ARCHIVES)} Known: {', '.join(ARCHIVES)}."
        )
    archive, folder = ARCHIVES[name], root / name
    if (folder / "SOURCE.txt").is_file():
        return folder
    address = url or archive.url
    try:
        got = _download(name, archive, address, root / "downloads", progress=progress)
        count = _unpack(got, archive, folder)
        if not count:
            raise DataError(f"{got}: has none of the folders of {name}; remove it and try again.")
        _note(archive, address, got, folder)
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise DataError(
            f"{error.filename or folder}: cannot be written: {why}; make room or name another root."
        ) from error
    print(f"{name}: {count} files; {archive.license}; sha256 {_hash(got)}")
    return folder


def _note(archive: Archive, address: str, got: Path, folder: Path) -> None:
    """Leave beside the images where they come from; written last, it also says they are whole."""
    about = f"{archive.title}\nlicense: {archive.license}\nfrom: {address}\nsha256: {_hash(got)}\n"
    write_whole(folder / "SOURCE.txt", about)


def _download(name: str, archive: Archive, url: str, cache: Path, *, progress: bool) -> Path:
    import requests  # noqa: PLC0415 - its import opens a socket, to learn whether there is IPv6

    downloader = pooch.HTTPDownloader(progressbar=progress, timeout=60)
    known = f"sha256:{archive.sha256}" if archive.sha256 else None
    pooch.get_logger().setLevel("WARNING")
    try:
        got = pooch.retrieve(
            url, known, fname=url.rpartition("/")[2], path=cache, downloader=downloader
        )
    except requests.RequestException as error:
        raise DataError(
            f"{name}: {url} cannot be had ({type(error).__name__}: {_short(error)});"
            f" see {archive.home}."
        ) from error
    except ValueError as error:
        raise DataError(
            f"{name}: what {url} sends is not what it should be (checksum differs); try again"
            f" or see {archive.home}."
        ) from error
    return Path(got)


def _unpack(got: Path, archive: Archive, folder: Path) -> int:
    """Unpack the files directly below the wanted folders, and nothing else; count them."""
    count = 0
    try:
        _prove(got)
        for member, read in _members(got):
            path = PurePosixPath(member)
            for source, target in archive.folders:
                if path.parent == PurePosixPath(source) and path.name != "..":
                    write_whole(folder / target / path.name, read())
                    count += 1
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        got.unlink()
        raise DataError(f"{got}: a damaged archive ({_short(error)}); try again.") from error
    return count


def _prove(got: Path) -> None:
    """Read a gzip archive to its own checksum: tarfile takes a damaged header for the end."""
    with got.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    if zipped:
        with gzip.open(got) as unzipped:
            while unzipped.read(1 << 20):
                pass


def _members(got: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the plain files of a tar or zip archive with a function that reads each."""
    if zipfile.is_zipfile(got):
        with zipfile.ZipFile(got) as zipped:
            for entry in zipped.infolist():
                if not entry.is_dir():
                    yield entry.filename, partial(zipped.read, entry)
        return
    with tarfile.open(got) as tar:
        for item in tar:
            if item.isfile():
                file = tar.extractfile(item)
                if file is not None:
                    yield item.name, file.read


def _hash(path: Path) -> str:
    return str(pooch.file_hash(str(path), alg="sha256"))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
