"""Files that are whole or not there: written beside their place, then renamed into it."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pixelrl.errors import DataError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a place beside a file to write to; only what was written whole takes the file's place.

    Whoever reads meanwhile sees the old file or the new one, and so does whoever comes after a
    kill, a full disk or an error.

    Args:
        path: the file; its folder is made.

    Yields:
        Where to write, in the same folder and of the same suffix, so that libraries that choose a
        format by it choose the right one.

    Raises:
        OSError: it cannot be written, and names the file; the old one stays, and nothing is left
            beside it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "deep" / "note.txt"
        >>> with whole_file(path) as part:
        ...     _ = part.write_text("whole")
        >>> path.read_text(), [each.name for each in path.parent.iterdir()]
        ('whole', ['note.txt'])
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of a length that any file name allows; the process tells two writers apart.
    stem = os.fsdecode(os.fsencode(path.stem)[:80])
    part = path.with_name(f".{stem}-{os.getpid()}.part{path.suffix}")
    try:
        yield part
        _flush(part)
        part.replace(path)
    except OSError as error:
        # What the system says of an open file, such as a full disk, names none.
        if error.filename is None or Path(os.fsdecode(error.filename)) == part:
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise
    finally:
        with suppress(OSError):  # of a disk that cannot be written to, the first error tells
            part.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a small file whole or not at all, text as UTF-8.

    Args:
        path: the file; its folder is made.
        content: all of it.

    Raises:
        OSError: it cannot be written.
    """
    with whole_file(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def append_whole(path: Path, line: bytes) -> None:
    r"""Append a line to a file, whole or not at all; one that a kill cut is ended before.

    Args:
        path: the file; its folder is made.
        line: without its end.

    Raises:
        OSError: it cannot be written, and names the file, which is as it was.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "rows.jsonl"
        >>> _ = path.write_text("{}\n{'cu")
        >>> append_whole(path, b"{}")
        >>> path.read_text()
        "{}\n{'cu\n{}\n"
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            line = line if file.read(1) == b"\n" else b"\n" + line
        content = memoryview(line + b"\n")
        try:
            while content:
                content = content[file.write(content) :]
        except OSError as error:
            file.truncate(end)
            raise OSError(error.errno, error.strerror, str(path)) from error


def check_writable(folder: Path) -> None:
    """Prove that files can be made in a folder, or where it would be made, and leave none.

    Raises:
        OSError: they cannot, and names the folder.
    """
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(folder)) from error


def check_targets(targets: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse to write over what is read, by whatever path either is named.

    Args:
        targets: files that are about to be written.
        inputs: files that are read; those that are missing do not count.

    Raises:
        DataError: a target is one of the inputs.

    Example:
        >>> check_targets([Path("b.png")], [Path("a.png")])
        >>> check_targets([Path("photos/../a.png")], [Path("a.png")])
        Traceback (most recent call last):
        pixelrl.errors.DataError: a.png: would be overwritten; write to another file or folder.
    """
    inputs = list(inputs)
    read = {find_real(path): path for path in inputs}
    known = {identity: path for path in inputs if (identity := _identity(path))}
    for target in targets:
        found = read.get(find_real(target)) or known.get(_identity(target) or (0, 0))
        if found:
            raise DataError(f"{found}: would be overwritten; write to another file or folder.")


def find_real(path: Path) -> Path:
    """Find what a path leads to, through links; one whose links lead in a circle stays as it is.

    Example:
        >>> find_real(Path("a/../b")) == Path.cwd() / "b"
        True
    """
    return Path(os.path.realpath(path))


def make_folder(path: Path) -> Path:
    """Make a folder for what will be written, before the work rather than after.

    Raises:
        DataError: it cannot be made, or nothing can be written to it.

    Example:
        >>> make_folder(Path(__file__) / "results")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        pixelrl.errors.DataError: ...: cannot be a folder (Not a directory); name another.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file is in its place" if path.exists() else error.strerror
        raise DataError(f"{path}: cannot be a folder ({reason}); name another.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise DataError(f"{path}: nothing can be written to this folder; name another.")
    return path


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell which file of the system a path leads to; None if to none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _flush(path: Path) -> None:
    """Have the disk take a file's content before its name, so that a power cut loses neither."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
