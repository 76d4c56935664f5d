"""Weights out of a ``.caffemodel`` without Caffe: the few fields of its protobuf that hold them."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pixelrl.documents import read_small
from pixelrl.errors import CheckpointError

MOST_BYTES = 10**9
"""The most that published weights may hold; the largest of them hold a few million."""


def read_blobs(path: Path) -> dict[str, list[NDArray[np.float32]]]:
    """Read each layer's arrays: a convolution's weight ``(O,I,h,w)`` and bias.

    Both formats are read, today's (``layer``) and the older one (``layers``).

    Raises:
        CheckpointError: the file cannot be read, is no Caffe model, or is damaged.
    """
    try:
        net = _parse(read_small(path, MOST_BYTES))
        layers = [(_parse(raw), 1, 7) for raw in _raw(net, 100)]
        layers += [(_parse(raw), 4, 6) for raw in _raw(net, 2)]
        named = {
            b"".join(_raw(layer, name)).decode(): [_blob(raw) for raw in _raw(layer, blobs)]
            for layer, name, blobs in layers
        }
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: no Caffe model, or a damaged one ({error}).") from error
    return {name: blobs for name, blobs in named.items() if blobs}


def _blob(raw: bytes) -> NDArray[np.float32]:
    message = _parse(raw)
    data = np.frombuffer(b"".join(_raw(message, 5)), "<f4")
    packed = b"".join(dims for shape in _raw(message, 7) for dims in _raw(_parse(shape), 1))
    shape, at = [], 0
    while at < len(packed):
        dim, at = _varint(packed, at)
        shape.append(dim)
    if not shape:  # num, channels, height, width of the older format
        sizes = [size for number in (1, 2, 3, 4) for size in message.get(number, [])]
        shape = [size for size in sizes if isinstance(size, int)]
    if math.prod(shape) != data.size:
        raise ValueError(f"{data.size} numbers for an array of {shape}")
    return data.reshape(shape)


def _parse(raw: bytes) -> dict[int, list[int | bytes]]:
    """Gather a message's values by field number: int for a varint, raw bytes for all else."""
    message: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        value, at = _varint(raw, at) if key & 7 in {0, 2} else (0, at)
        size = {0: 0, 1: 8, 2: value, 5: 4}.get(key & 7, len(raw) + 1)
        if at + size > len(raw):
            raise ValueError("a field goes beyond the end")
        message.setdefault(key >> 3, []).append(raw[at : at + size] if key & 7 else value)
        at += size
    return message


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(raw[at : at + 10]):
        value |= (byte & 127) << (7 * count)
        if byte < 128:
            return value, at + count + 1
    raise ValueError("a number does not end")


def _raw(message: dict[int, list[int | bytes]], number: int) -> list[bytes]:
    return [value for value in message.get(number, []) if isinstance(value, bytes)]
