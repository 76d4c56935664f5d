"""Write Caffe models, byte by byte."""

import numpy as np


def varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def blob(array: np.ndarray) -> bytes:
    shape = field(7, field(1, b"".join(map(varint, array.shape))))
    return field(5, array.astype("<f4").tobytes()) + shape


def old_blob(array: np.ndarray) -> bytes:
    shape = (1,) * (4 - array.ndim) + array.shape
    sizes = b"".join(field(number, size) for number, size in enumerate(shape, 1))
    # The older format may also give its numbers one by one.
    return sizes + b"".join(varint(5 << 3 | 5) + n.tobytes() for n in array.astype("<f4").ravel())


def model(layers: dict[str, list[np.ndarray]]) -> bytes:
    net = field(1, b"a net")
    for name, blobs in layers.items():
        content = b"".join(field(7, blob(array)) for array in blobs)
        convolution = field(106, field(1, 64)) + varint(9 << 3 | 5) + b"abcd"
        net += field(
            100, field(1, name.encode()) + field(2, b"Convolution") + content + convolution
        )
        net += field(100, field(1, b"relu of " + name.encode()) + field(10, 1))
    return net


def old_model(layers: dict[str, list[np.ndarray]]) -> bytes:
    return b"".join(
        field(
            2,
            field(4, name.encode()) + b"".join(field(6, old_blob(array)) for array in blobs),
        )
        for name, blobs in layers.items()
    )
