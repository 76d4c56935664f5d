"""Whatever a page sends, and whenever it leaves: an answer below 500, and a silent terminal."""

import base64
import json
import socket
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desks import ask, blot, mask
from pixelrl.studio.server import Studio


def chunk(kind: bytes, content: bytes) -> bytes:
    checked = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checked


def png(width: int, height: int, *more: bytes) -> bytes:
    head = struct.pack(">II5B", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(min(width * height, 10_000) + height))
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


ZEROS = zlib.compress(bytes(200_000_000), 1)
PICTURES = {
    "50000 pixels a side": png(50_000, 50_000),
    "two thousand million a side": png(2_000_000_000, 2_000_000_000),
    "no pixels": png(0, 0),
    "a text of 200 MB": png(56, 48, chunk(b"zTXt", b"a\0\0" + ZEROS)),
    "an international text of 200 MB": png(56, 48, chunk(b"iTXt", b"a\0\1\0\0\0" + ZEROS)),
    "a profile of 200 MB": png(56, 48, chunk(b"iCCP", b"a\0\0" + ZEROS)),
    "pixels of 200 MB": png(56, 48)[:41] + chunk(b"IDAT", ZEROS),
    "cut": png(56, 48)[:60],
    "nothing": b"",
    "noise": np.random.default_rng(0).bytes(3000),
    "a TIFF of many samples": b"II*\0\x08\0\0\0"
    + struct.pack("<H", 4)
    + b"".join(
        struct.pack("<HHII", tag, 4, 1, value)
        for tag, value in ((256, 2000), (257, 2000), (258, 16), (277, 60_000))
    )
    + bytes(4),
}
BODIES: list[Any] = [
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b"9" * 5000,
    b"NaN",
    None,
    True,
    0,
    [],
    "x",
    {"rules": None},
    {"rules": [[]], "regions": [[]]},
    {"rules": [{"kind": [], "edits": 3}]},
    {"rules": [{"kind": "only", "edits": ["box"], "steps": "9" * 4000}]},
    {"rules": [{"kind": "only", "edits": ["box"], "steps": "\0"}]},
    {"rules": [{"kind": "only", "edits": ["\ud800"]}]},
    {"rules": [{"kind": "prefer", "edits": ["box"], "bias": -(10**300)}]},
    {"regions": [None, {}, "====", "\ud800"]},
    {"mask": {"a": 1}},
    {"episode": -1},
    {"episode": 10**30},
    {"episode": 1.5},
    {"episode": None},
]
ADDRESSES = (
    "open",
    "rollout",
    "save",
    "about.json",
    "episodes/1/frame-0.png",
    "%80%ff",
)


def sent(studio: Studio, request: bytes, *, stay: bool = True) -> bytes:
    """Send bytes as they are; returns what comes back, unless nobody waits for it."""
    with socket.create_connection(("127.0.0.1", studio.server_port), timeout=30) as line:
        line.sendall(request)
        if not stay:  # reset, as a page that is closed does
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return b""
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


def quiet(capsys: pytest.CaptureFixture[str]) -> None:
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "")


def test_pictures_of_any_claim_are_refused_or_opened(
    studio: Studio,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, data in PICTURES.items():
        for kind in ("image/png", "image/tiff"):
            status, told = ask(studio, "open?name=x", data, Content_Type=kind)
            assert status in {200, 400}, (name, told)
            assert "\n" not in told.get("error", "")
        text = base64.b64encode(data).decode()
        for body in ({"regions": [text]}, {"mask": text}):
            status, told = ask(studio, "rollout", body)
            assert status == 400, name
            assert "\n" not in told["error"]
    quiet(capsys)


def test_bodies_of_any_kind_are_answered_at_every_address(
    studio: Studio,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for address in ADDRESSES:
        for body in BODIES:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            status, told = ask(studio, address, data)
            assert status < 500, (address, body, told)
            assert "\n" not in told.get("error", "")
    long = "%F0%9F%8C%B8" * 200  # names of characters of four bytes
    for name in ("..", "%00", "%ED%A0%80", long, long + ".png", "a/b\\c", "CON", "-rf", ".png"):
        status, told = ask(studio, f"open?name={name}", png(56, 48), Content_Type="image/png")
        assert status in {200, 400}, (name, told)
    quiet(capsys)


def test_requests_that_are_none_and_pages_that_leave(
    studio: Studio,
    capsys: pytest.CaptureFixture[str],
) -> None:
    host = f"Host: 127.0.0.1:{studio.server_port}\r\n".encode()
    path = f"/{studio.token}/".encode()
    for first in (b"", b"GET", b"GET http://[ HTTP/1.1", b"GET \xff\xfe HTTP/1.1", b"\0" * 50):
        answer = sent(studio, first + b"\r\n" + host + b"\r\n")
        assert b" 500 " not in answer[:20], first
    body = json.dumps({"regions": [mask(blot())]}).encode()
    kind = b"Content-Type: application/json\r\nContent-Length: "
    whole = b"POST " + path + b"rollout HTTP/1.1\r\n" + host + kind
    for length in (len(body), len(body) + 50, 10):
        for cut in (len(body), len(body) // 2, 0):
            request = whole + b"%d\r\n\r\n" % length + body[:cut]
            for stay in (True, False):
                assert b" 500 " not in sent(studio, request, stay=stay)[:20]
    large = b"GET " + path + b"episodes/1/frame-0.png HTTP/1.1\r\n" + host + b"\r\n"
    for _ in range(5):
        sent(studio, large, stay=False)
    assert ask(studio, "about.json")[0] == 200
    quiet(capsys)


def test_a_disk_that_is_full_is_told_to_the_page(
    studio: Studio,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    status, told = ask(studio, "save", {"episode": 1})
    assert (status, str(tmp_path / "kept") in told["error"]) == (400, True) or status == 507
    assert (tmp_path / "kept").read_text() == "a file where the folder should be"
    quiet(capsys)
