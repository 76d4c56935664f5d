"""A studio that runs beside the tests, and what a page would send to it."""

import base64
import http.client
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pixelrl.studio.server import Studio
from pixelrl.studio.session import Session
from pixelrl.training.checkpoint import restore

SIZE = (48, 56)


@contextmanager
def serving_desk(checkpoint: Path, photo: Path, out: Path) -> Iterator[Studio]:
    found = restore(checkpoint)
    session = Session(found.module, found.experiment)
    session.open(photo)
    with Studio(session, ["--checkpoint", str(checkpoint)], out) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    studio: Studio, path: str, body: Any = None, token: str | None = None, **headers: str
) -> tuple[int, Any]:
    """Send a request; a body that is not bytes goes as JSON. Returns status and answer."""
    connection = http.client.HTTPConnection("127.0.0.1", studio.server_port, timeout=30)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if body is None else {"Content-Type": "application/json"}
    address = f"/{studio.token if token is None else token}/{path}"
    connection.request("GET" if body is None else "POST", address, data, {**kind, **given})
    response = connection.getresponse()
    answer = response.read()
    assert "default-src 'none'" in (response.getheader("Content-Security-Policy") or "")
    connection.close()
    json_sent = response.getheader("Content-Type") == "application/json"
    return response.status, json.loads(answer) if json_sent else answer


def mask(inside: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray((inside * 255).astype(np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def blot() -> np.ndarray:
    inside = np.zeros(SIZE, bool)
    inside[10:30, 5:25] = True
    return inside
