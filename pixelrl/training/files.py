"""Checkpoint files: whole, and what was written."""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from torch import Tensor

from pixelrl.errors import CheckpointError
from pixelrl.files import whole_file

DIGEST = "pixelrl_digest"
"""Where a checkpoint holds the SHA-256 of all else in it."""

MOST_BYTES = 8 * 1024**3
"""The most that a checkpoint or weight file may hold; ours hold some megabytes."""


class WholeCheckpoints(CheckpointIO):
    """Write checkpoints whole or not at all, and refuse those that changed since.

    Lightning's own writer moves files between file systems, so that a kill can cut them, and takes
    a refused write for a success.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any = None,  # noqa: ANN401 - Lightning's signature
    ) -> None:
        """Write a checkpoint beside its place and rename it.

        Raises:
            CheckpointError: it cannot be written.
        """
        path = Path(path)
        try:
            with whole_file(path) as part:
                torch.save({**checkpoint, DIGEST: digest_of(checkpoint)}, part)
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            raise CheckpointError(
                f"{path}: cannot be written: {reason}; what was learned since the last checkpoint"
                " is lost, all before it is kept."
            ) from error

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any = None,  # noqa: ANN401 - Lightning's signature
        weights_only: bool | None = None,  # noqa: FBT001
    ) -> dict[str, Any]:
        """Read a checkpoint, executing nothing in it.

        Raises:
            CheckpointError: it is missing, damaged, or none.
        """
        return read_whole(Path(path))

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint."""
        Path(path).unlink(missing_ok=True)


def read_whole(path: Path) -> dict[str, Any]:
    """Read a checkpoint, executing nothing in it, and check that it is what was written.

    Args:
        path: the file.

    Returns:
        Its content; tensors on the CPU.

    Raises:
        CheckpointError: the file is missing, no checkpoint, or damaged.
    """
    if not path.is_file():
        told = "no such file" if not path.exists() else "a folder or a pipe"
        raise CheckpointError(f"{path}: {told}; pass a checkpoint that fit has written.")
    check_size(path)
    try:
        _check_members(path)
        stored = torch.load(path, map_location="cpu", weights_only=True)
        _check_sizes(stored)
    except PermissionError as error:
        raise CheckpointError(f"{path}: no permission to read it.") from error
    except Exception as error:  # on damaged files torch raises whatever it stumbles over
        raise CheckpointError(
            f"{path}: not a checkpoint, or a damaged one; pass one that fit has written."
        ) from error
    if not isinstance(stored, dict):
        raise CheckpointError(f"{path}: a file of PyTorch, but not a checkpoint.")
    written = stored.pop(DIGEST, None)  # those of pixelrl 0.1.0 have none
    if written is not None and written != digest_of(stored):
        raise CheckpointError(
            f"{path}: damaged: its content is not what was written; use another checkpoint."
        )
    return stored


def check_size(path: Path) -> None:
    """Refuse a file that is too large to be one of ours, before it is read.

    Raises:
        CheckpointError: it is.
    """
    if (size := path.stat().st_size) > MOST_BYTES:
        raise CheckpointError(
            f"{path}: {size / 1e9:.0f} GB, more than the {MOST_BYTES / 1e9:.0f} that are read."
        )


def _check_members(path: Path) -> None:
    """Check that an archive holds no more than its file does, before anything is unpacked.

    Raises:
        ValueError: it is packed, or encrypted.
        zipfile.BadZipFile: it is no archive, as checkpoints are.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size != member.compress_size or member.flag_bits & 1:
                raise ValueError(f"{member.filename}: packed or encrypted")


def _check_sizes(value: Any) -> None:  # noqa: ANN401
    """Check that every tensor is a plain one, whose numbers the file holds.

    Raises:
        ValueError: one is not, or claims more numbers than there are.
    """
    if isinstance(value, Tensor):
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise ValueError("a tensor without numbers, or with numbers of a strange kind")
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise ValueError("a tensor claims more numbers than there are")
    elif isinstance(value, Mapping):
        for each in value.values():
            _check_sizes(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _check_sizes(each)


def digest_of(value: Any) -> str:  # noqa: ANN401
    """Digest nested plain values and tensors by content, wherever and however they are stored."""
    found = hashlib.sha256()
    for part in _parts(value):
        found.update(part)
    return found.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:  # noqa: ANN401
    if isinstance(value, Tensor):
        tensor = value.detach().cpu().contiguous()
        yield f"{tensor.dtype}{tuple(tensor.shape)}".encode()
        yield tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    elif isinstance(value, Mapping):
        yield b"{"
        for key, item in value.items():
            yield f"{key!r}:".encode()
            yield from _parts(item)
        yield b"}"
    elif isinstance(value, list | tuple):
        yield b"["
        for item in value:
            yield from _parts(item)
            yield b","
        yield b"]"
    else:
        yield repr(value).encode()
