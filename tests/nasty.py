"""Nasty inputs that no damage of a good file makes: each is written well, and means trouble."""

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import tifffile
import torch
from PIL import Image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (24, 32), np.uint8)
COLOR = RNG.integers(0, 256, (24, 32, 3), np.uint8)


def encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    checked = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checked


def png(
    head: tuple[int, int, int, int], *more: bytes, data: bytes | None = None, interlaced: int = 0
) -> bytes:
    """Write a PNG of a width, height, depth and color type."""
    width, height, depth, color = head
    packed = struct.pack(">II5B", width, height, depth, color, 0, 0, interlaced)
    pixels = zlib.compress(bytes(100_000)) if data is None else data
    parts = [chunk(b"IHDR", packed), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def tags(*told: tuple[int, int, int]) -> bytes:
    """Write a TIFF's directory alone: tag, type, value each; its last word leads to itself."""
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in told)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(told)) + body + struct.pack("<I", 8)


def with_exif(exif: bytes) -> bytes:
    return encode(Image.fromarray(COLOR), "JPEG", exif=b"Exif\0\0" + exif)


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(Image.fromarray(COLOR), "JPEG", exif=exif)


FRAMES = [Image.fromarray(np.roll(COLOR, step, 0)) for step in range(3)]
PALETTE = Image.fromarray(COLOR).quantize(16)
BMP = encode(Image.fromarray(COLOR), "BMP")
HUGE = np.zeros((300, 300), np.uint8)

PICTURES: dict[str, bytes] = {
    "one pixel.png": encode(Image.new("L", (1, 1)), "PNG"),
    "one row.png": encode(Image.new("L", (3000, 1)), "PNG"),
    "one column.png": encode(Image.new("RGB", (1, 3000)), "PNG"),
    "two pixels.jpg": encode(Image.new("L", (2, 1)), "JPEG"),
    "ink.jpg": encode(Image.fromarray(COLOR).convert("CMYK"), "JPEG"),
    "ink.tif": encode(Image.fromarray(COLOR).convert("CMYK"), "TIFF"),
    "lab.tif": encode(Image.fromarray(COLOR).convert("LAB"), "TIFF"),
    "few colors, one clear.png": encode(PALETTE, "PNG", transparency=3),
    "few colors, shares.png": encode(PALETTE, "PNG", transparency=bytes(range(16))),
    "few colors, one clear.gif": encode(PALETTE, "GIF", transparency=0),
    "gray and clear.png": encode(Image.fromarray(GRAY).convert("LA"), "PNG"),
    "gray, 16 bits.png": encode(Image.fromarray(GRAY.astype(np.uint16) * 257), "PNG"),
    "gray, 16 bits, one clear.png": png((32, 24, 16, 0), chunk(b"tRNS", b"\0\0")),
    "color, 16 bits.tif": tiff(COLOR.astype(np.uint16) * 257, photometric="rgb"),
    "two values.png": encode(Image.fromarray(GRAY > 99), "PNG"),
    "four values.png": png((32, 24, 2, 0)),
    "moving.gif": encode(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
    "moving.png": encode(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]),
    "moving.webp": encode(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:]),
    "pages.tif": encode(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:]),
    "stack.tif": tiff(np.zeros((5, 24, 32), np.uint8), photometric="minisblack"),
    "volume.tif": tiff(np.zeros((2, 3, 24, 32), np.uint16), photometric="minisblack"),
    "many samples.tif": tiff(np.zeros((24, 32, 40), np.uint16), photometric="minisblack"),
    "signed.tif": tiff(GRAY.astype(np.int32) - 99),
    "long numbers.tif": tiff(GRAY.astype(np.uint32)),
    "complex.tif": tiff(GRAY.astype(np.complex64)),
    "no numbers.tif": tiff(np.full((24, 32), np.nan, np.float32)),
    "endless.tif": tiff(np.full((24, 32), np.inf, np.float32)),
    "beyond one.tif": tiff(GRAY.astype(np.float32)),
    "double.tif": tiff(GRAY / 255),
    "circle.tif": tags((256, 4, 32), (257, 4, 24)),
    "no size.tif": tags((258, 3, 8)),
    "no rows.tif": tags((256, 4, 0), (257, 4, 0), (258, 3, 8), (262, 3, 1)),
    "far strips.tif": tags(
        *((256, 4, 32), (257, 4, 24), (258, 3, 8), (259, 3, 1), (262, 3, 1)),
        *((273, 4, 2**32 - 1), (277, 3, 1), (278, 4, 24), (279, 4, 2**32 - 1)),
    ),
    "samples of 4 GB.tif": tags((256, 4, 8000), (257, 4, 8000), (258, 3, 16), (277, 3, 65535)),
    "exif is noise.jpg": with_exif(RNG.bytes(500)),
    "exif leads away.jpg": with_exif(b"II*\0\xff\xff\xff\x7f"),
    "exif circle.jpg": with_exif(tags((0x8769, 4, 8), (0x8825, 4, 8))),
    "exif is empty.jpg": with_exif(b""),
    "turned by 99.jpg": turned(99),
    "turned by 0.jpg": turned(0),
    "cut in the middle.jpg": encode(Image.fromarray(COLOR), "JPEG")[:-200],
    "no end.jpg": encode(Image.fromarray(COLOR), "JPEG")[:-2],
    "rows in steps.jpg": encode(Image.fromarray(COLOR), "JPEG", progressive=True),
    "more behind.png": encode(Image.fromarray(GRAY), "PNG") + RNG.bytes(5000),
    "archive behind.jpg": encode(Image.fromarray(COLOR), "JPEG") + b"PK\3\4" * 100,
    "too few pixels.png": png((320, 240, 8, 2), data=zlib.compress(bytes(99))),
    "too many pixels.png": png((32, 24, 8, 0), data=zlib.compress(bytes(5_000_000))),
    "steps cut.png": png((32, 24, 8, 0), data=zlib.compress(bytes(99)), interlaced=1),
    "no palette.png": png((32, 24, 8, 3)),
    "unknown colors.png": png((32, 24, 8, 5)),
    "depth of 3.png": png((32, 24, 3, 0)),
    "gamma of nothing.png": png((32, 24, 8, 0), chunk(b"gAMA", bytes(4))),
    "profile is noise.png": png((32, 24, 8, 0), chunk(b"iCCP", b"a\0\0" + zlib.compress(b"x"))),
    "no resolution.png": png((32, 24, 8, 0), chunk(b"pHYs", bytes(8) + b"\1")),
    "must be known.png": png((32, 24, 8, 0), chunk(b"ABCD", b"what")),
    "texts.png": png((32, 24, 8, 0), *[chunk(b"tEXt", b"a\0" + b"x" * 900) for _ in range(500)]),
    "8 EB.png": png((2**31 - 1, 2**31 - 1, 16, 6)),
    "tall.png": encode(Image.new("1", (1, 2**16)), "PNG"),
    "upside down.bmp": BMP[:22] + struct.pack("<i", -24) + BMP[26:],
    "4 GB.bmp": BMP[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + BMP[26:],
    "no top.pgm": b"P5 32 24 0\n" + GRAY.tobytes(),
    "top of 70000.pgm": b"P5 32 24 70000\n" + GRAY.tobytes() * 2,
    "long numbers.pgm": b"P5 " + b"9" * 400 + b" 24 255\n" + GRAY.tobytes(),
    "words.ppm": b"P3 2 2 255\n" + b"300 -1 x 0 " * 3,
    "comment.pgm": b"P5\n#" + b"c" * 100_000 + b"\n32 24 255\n" + GRAY.tobytes(),
    "program.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 24\nshowpage\n",
    "vectors.png": b"<svg xmlns='http://www.w3.org/2000/svg' width='32' height='24'/>",
    "another.png": encode(Image.fromarray(COLOR), "WEBP"),
    "icon.png": encode(Image.fromarray(COLOR), "ICO"),
}
"""Pictures by file name: strange, rare or dangerous. Some can be edited."""


def link_loop(path: Path) -> None:
    path.mkdir()
    (path / "again").symlink_to(path)


PLACES: dict[str, Callable[[Path], None]] = {
    "folder.png": Path.mkdir,
    "empty folder": Path.mkdir,
    "folder in itself": link_loop,
    "pipe.png": os.mkfifo,
    "dead link.png": lambda path: path.symlink_to(path.with_name("nowhere")),
    "zeros.png": lambda path: path.symlink_to("/dev/zero"),
    "nothing.png": lambda path: path.write_bytes(b"") and None,
    "new\nline.png": lambda path: path.write_bytes(b"x") and None,
    "right \u202eto left.png": lambda path: path.write_bytes(b"x") and None,
    "bell\a\x1b[31m.png": lambda path: path.write_bytes(b"x") and None,
    "-rf.png": lambda path: path.write_bytes(b"x") and None,
    "{braces} %s $(x).png": lambda path: path.write_bytes(b"x") and None,
}
"""What may stand at a path, and what a path may be called."""

BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
RECIPES: dict[str, str] = {
    "bomb": BOMB,
    "itself": "data: &x {train: *x}\n",
    "twice": "learning: {rate: 0.1, rate: 0.2}\n",
    "list": "- learning\n- rate\n",
    "number": "3\n",
    "two documents": "learning: {rate: 0.1}\n---\nlearning: {rate: 0.2}\n",
    "object": "learning: !!python/object/apply:os.system ['true']\n",
    "date": "learning: {rate: 2026-01-01}\n",
    "base 60": "learning: {episodes: 190:20:30}\n",
    "no": "run: {wandb: no}\n",
    "binary": "run: {name: !!binary aGVsbG8=}\n",
    "set": "data: !!set {a, b}\n",
    "null": "learning: null\n",
    "nothing at all": "learning:\n  rate:\n",
    "tab": "learning:\n\trate: 0.1\n",
    "interpolated": "learning: {rate: '${oc.env:HOME}'}\n",
    "interpolated into itself": "learning: {rate: '${learning.rate}'}\n",
    "missing": "learning: {rate: '???'}\n",
    "numbers as keys": "1: {2: 3}\n",
    "long key": "k" * 100_000 + ": 1\n",
    "merge": "learning: {<<: 3, rate: 0.1}\n",
    "nan": "learning: {rate: .nan}\n",
    "endless": "learning: {episodes: .inf}\n",
    "digits": "learning: {episodes: " + "9" * 5000 + "}\n",
    "surrogate": 'run: {name: "\\ud800"}\n',
    "null byte": 'run: {name: "a\\0b"}\n',
}
"""Recipes by what is wrong with them."""

SETTINGS = (
    "learning.rate=",
    "learning.rate=1e999",
    "learning.rate=[0.1]",
    "learning.rate={a:1}",
    "learning.rate=${oc.env:HOME}",
    "learning.rate=${learning.rate}",
    "learning.episodes=1e5",
    "learning.episodes=99999999999999999999",
    "learning.episodes=0x10",
    "data.batch=99999999999",
    "data.crop=-1",
    "data.crop=99999999",
    "data.tile=1",
    "data.train=x",
    "data.train.image.deep=x",
    "data.train.image=",
    "data.train.nonsense=x",
    "network.width=999999999",
    "network.widths=[]",
    "network.widths=[99999999]",
    "network.widths=[a]",
    "task.length=0",
    "task.length=99999",
    "task.sigma=nan",
    "task=x",
    "task.__class__=x",
    "run=x",
    "run.name=..",
    "run.name=" + "n" * 300,
    "run.name=a\nb",
    "run.root=/proc/none",
    "run.root=/dev/null/x",
    "run.threads=99999999",
    "run.accelerator=tpu",
    "run.precision=8",
    "run.devices=0",
    "run.seed=-1",
    "run.seed=1e30",
    "run.seed=99999999999999999999",
    "run..seed=1",
    ".=1",
    "=1",
    "==",
    "run.seed==1",
    "--run.seed=[",
    "\u202erun.seed=1",
)
"""Settings that nobody means."""

TABLES: dict[str, str] = {
    "not numbers": "image,psnr\nphoto0,nan\nphoto1,-inf\n",
    "words": "image,psnr\nphoto0,high\n",
    "no rows": "image,psnr\n",
    "no image": "psnr\n1\n",
    "short row": "image,psnr,ssim\nphoto0\n",
    "long row": "image,psnr\nphoto0,1,2,3\n",
    "twice": "image,psnr,psnr\nphoto0,1,2\n",
    "quotes": 'image,psnr\n"photo0,1\n',
    "null": "image,psnr\nphoto\0,1\n",
    "long": "image,psnr\nphoto0," + "9" * 200_000 + "\n",
    "formula": "image,psnr\n=cmd|' /C calc'!A0,1\n",
    "markup": "image,psnr\n</script><script>alert(1)</script>,1\n",
}
"""Tables of scores by what is wrong with them."""


def weight_file(head: object, data: bytes = b"", size: int | None = None) -> bytes:
    """Write a safetensors file of any head."""
    told = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(told) if size is None else size) + told + data


def one(dtype: str, shape: list[int], ends: list[int]) -> dict[str, object]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": ends}}


FOREIGN = {"policy.a": torch.ones(3), "x": torch.ones(2, 2, dtype=torch.int64)}
WEIGHTS: dict[str, bytes] = {
    "empty": b"",
    "no head": weight_file(b""),
    "no arrays": weight_file({}),
    "head of 8 EB": weight_file({}, size=2**63),
    "head beyond the end": weight_file({}, size=99),
    "head is no JSON": weight_file(b"\xff" * 20),
    "head is a list": weight_file([]),
    "deep head": weight_file(b"[" * 5000),
    "metadata is a number": weight_file({"__metadata__": 3}),
    "metadata of numbers": weight_file({"__metadata__": {"pixelrl": 3}}),
    "our part is damaged": safetensors.torch.save(FOREIGN, {"pixelrl": "{"}),
    "our part is a list": safetensors.torch.save(FOREIGN, {"pixelrl": "[]"}),
    "our part is another's": safetensors.torch.save(FOREIGN, {"pixelrl": '{"format": 99}'}),
    "our part is deep": safetensors.torch.save(FOREIGN, {"pixelrl": "[" * 9000}),
    "another's": safetensors.torch.save(FOREIGN),
    "claims 8 EB": weight_file(one("F32", [2**40, 2**20], [0, 4]), bytes(4)),
    "negative": weight_file(one("F32", [-1], [0, 4]), bytes(4)),
    "ends before it starts": weight_file(one("F32", [1], [4, 0]), bytes(4)),
    "unknown numbers": weight_file(one("F31", [1], [0, 4]), bytes(4)),
    "tiny floats": weight_file(one("F8_E4M3", [4], [0, 4]), bytes(4)),
    "four bits": weight_file(one("F4", [8], [0, 4]), bytes(4)),
    "pickle": b"\x80\x02cos\nsystem\n(S'true'\ntR.",
}
"""Weight files by what is wrong with them."""


def array_head(shape: str, kind: str = "|u1", size: int | None = None) -> bytes:
    told = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(told) if size is None else size) + told


def archive(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


ABOUT = array_head("()", "<U12") + "{}".ljust(12, "\0").encode("utf-32-le")
LONG = b"\x93NUMPY\x02\0" + struct.pack("<I", 200_000) + b" " * 200_000
ARRAYS: dict[str, bytes] = {
    "many arrays": archive({f"{n}.npy": b"" for n in range(1500)}),
    "long head": archive({"choices.npy": LONG, "about.npy": ABOUT}),
    "claims more": archive({"choices.npy": array_head("(9, 9999, 9999)"), "about.npy": ABOUT}),
    "beyond 64 bits": archive({"choices.npy": array_head(f"({2**40}, {2**40}, 2)")}),
    "no size": archive({"choices.npy": array_head(f"(0, {2**40}, {2**40})"), "about.npy": ABOUT}),
    "negative": archive({"choices.npy": array_head("(-1, -8, 8)"), "about.npy": ABOUT}),
    "words": archive({"choices.npy": array_head("(1, 1, 1)", "<U1") + b"abcd", "about.npy": ABOUT}),
    "objects": archive({"choices.npy": array_head("(1, 1, 1)", "|O") + bytes(8)}),
    "twice": archive({"choices.npy": array_head("(1, 1, 1)") + b"\0", "choices": ABOUT}),
    "shape is code": archive({"choices.npy": array_head("__import__('os')")}),
    "leads out": archive({"../../choices.npy": ABOUT, "/etc/x.npy": ABOUT}),
    "another packing": archive({"choices.npy": ABOUT}, zipfile.ZIP_LZMA),
    "a picture": encode(Image.fromarray(HUGE), "PNG"),
}
"""Archives of arrays by what is wrong with them."""
