"""Answer the page: a small HTTP server that nobody but this machine's user can reach.

It listens on the loopback address alone. Every address begins with a random token, so that neither
a page of another site nor another user of the machine can guess one; the Host and Origin headers
are checked as well, against names that are made to point here.
"""

import json
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pixelrl.errors import ConfigError, PixelRLError
from pixelrl.files import write_whole
from pixelrl.studio import messages
from pixelrl.studio.messages import MOST_BYTES
from pixelrl.studio.save import save_episode
from pixelrl.studio.session import Episode, Session

LOOPBACK = "127.0.0.1"
OURS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""The names by which a browser on this machine may call it."""

STATIC = {
    "": ("index.html", "text/html; charset=utf-8"),
    "studio.css": ("studio.css", "text/css; charset=utf-8"),
    "studio.js": ("studio.js", "text/javascript; charset=utf-8"),
    "tools.js": ("tools.js", "text/javascript; charset=utf-8"),
    "paint.js": ("paint.js", "text/javascript; charset=utf-8"),
    "stage.js": ("stage.js", "text/javascript; charset=utf-8"),
}

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' blob: data:; style-src 'self'; script-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class RefusalError(Exception):
    """Carry the status and the line that answer a request which is not served."""

    def __init__(self, status: HTTPStatus, told: str) -> None:
        super().__init__(told)
        self.status = status


class Studio(ThreadingHTTPServer):
    """Serve one session.

    Args:
        session: the policy and the picture.
        policy: the words of the command line that name the policy.
        out: where to keep what the page saves.
        port: to listen on; 0 for any free one.

    Raises:
        ConfigError: the port is taken or out of range.
    """

    daemon_threads = True

    def __init__(self, session: Session, policy: Sequence[str], out: Path, port: int = 0) -> None:
        self.session, self.policy, self.out = session, tuple(policy), out
        self.token = secrets.token_urlsafe(16)
        self._folder = tempfile.TemporaryDirectory(prefix="pixelrl-studio-")
        self.uploads = Path(self._folder.name)
        self.opened: set[Path] = set()
        try:
            super().__init__((LOOPBACK, port), Handler)
        except (OSError, OverflowError) as error:
            self._folder.cleanup()
            raise ConfigError(f"--port {port}: cannot be listened on ({error}).") from error

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing of a page that went away while it was answered, and all of the rest."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Stop listening, and remove the pictures that came through the page."""
        super().server_close()
        self._folder.cleanup()


class Handler(BaseHTTPRequestHandler):
    """Answer one request."""

    server: Studio
    timeout = 60
    protocol_version = "HTTP/1.1"
    server_version = "pixelrl"
    sys_version = ""

    def do_GET(self) -> None:
        """Serve the page, its pictures and its choices.

        Raises:
            Exception: what the studio stumbles over, once the page was told.
        """
        self._answered(self._get)

    def do_POST(self) -> None:
        """Open, roll out or save.

        Raises:
            Exception: what the studio stumbles over, once the page was told.
        """
        self._answered(self._post)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet: the terminal is the user's."""

    def _answered(self, answer: Callable[[str], None]) -> None:
        try:
            answer(self._path())
        except RefusalError as refusal:
            self.close_connection = True  # a body may have been left unread
            self._send_json({"error": str(refusal)}, refusal.status)
        except PixelRLError as error:
            self._send_json({"error": " ".join(str(error).split())}, HTTPStatus.BAD_REQUEST)
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the page went away
        except OSError as error:  # such as a full disk
            told = f"{error.filename or 'the studio'}: {error.strerror or error}."
            self._send_json({"error": told}, HTTPStatus.INSUFFICIENT_STORAGE)
        except MemoryError:
            told = "not enough memory for this picture; reduce it, or use predict with data.tile."
            self._send_json({"error": told}, HTTPStatus.INSUFFICIENT_STORAGE)
        except Exception:
            told = "the studio stumbled; the terminal it runs in tells why."
            self._send_json({"error": told}, HTTPStatus.INTERNAL_SERVER_ERROR)
            raise

    def _path(self) -> str:
        """Check who asks; returns the path below the token."""
        host = self.headers.get("Host", "")
        if re.sub(r":\d+$", "", host) not in OURS:
            raise RefusalError(HTTPStatus.FORBIDDEN, "the studio answers this machine only.")
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            raise RefusalError(HTTPStatus.FORBIDDEN, "the studio answers its own page only.")
        try:
            path = urlsplit(self.path).path
        except ValueError as error:  # such as an address with half a bracket
            raise RefusalError(HTTPStatus.BAD_REQUEST, "no address.") from error
        token, slash, rest = path.removeprefix("/").partition("/")
        if not slash or not secrets.compare_digest(token.encode(), self.server.token.encode()):
            raise RefusalError(
                HTTPStatus.FORBIDDEN, "open the address that pixelrl studio printed."
            )
        return rest

    def _get(self, path: str) -> None:
        session = self.server.session
        if path in STATIC:
            name, kind = STATIC[path]
            self._send(files("pixelrl.studio").joinpath("page", name).read_bytes(), kind)
        elif path == "about.json":
            self._send_json(messages.describe_session(session))
        elif found := re.fullmatch(r"episodes/(\d{1,9})/([a-z]+(?:-\d{1,4})?\.[a-z]+)", path):
            data, kind = _map_of(session, session.episode(int(found[1])), found[2])
            self._send(data, kind)
        else:
            raise RefusalError(HTTPStatus.NOT_FOUND, "no such page.")

    def _post(self, path: str) -> None:
        session = self.server.session
        if path == "open":
            picture = self._upload()
            try:
                episode = session.open(picture, uploaded=True)
            except BaseException:
                shutil.rmtree(picture.parent, ignore_errors=True)
                raise
            self._forget_others(picture.parent)
            self._send_json(messages.describe_episode(session, episode))
        elif path == "rollout":
            sent = self._json()
            height, width = session.base.frames.shape[-2:]
            rules, mask = (
                messages.parse_rules(sent, (height, width)),
                messages.parse_mask(sent, (height, width)),
            )
            episode = session.roll_out(rules, mask)
            self._send_json(messages.describe_episode(session, episode))
        elif path == "save":
            sent = self._json()
            number = sent.get("episode") if isinstance(sent, dict) else None
            if not isinstance(number, int):
                raise RefusalError(
                    HTTPStatus.BAD_REQUEST, "save: expected the number of an episode."
                )
            server = self.server
            self._send_json(
                save_episode(session, session.episode(number), server.policy, server.out)
            )
        else:
            raise RefusalError(HTTPStatus.NOT_FOUND, "no such page.")

    def _body(self, kinds: str) -> bytes:
        """Read the body of a request, if its type and size are allowed."""
        kind = self.headers.get("Content-Type", "")
        if not re.fullmatch(kinds, kind):
            raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"'{kind}' is not taken here.")
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,12}", length):
            raise RefusalError(HTTPStatus.LENGTH_REQUIRED, "the length of the body is not told.")
        if int(length) > MOST_BYTES:
            raise RefusalError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MOST_BYTES // 10**6} MB."
            )
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("the page left in the middle")
        return body

    def _json(self) -> Any:  # noqa: ANN401 - whatever was sent
        try:
            return json.loads(self._body(r"application/json(;.*)?"))
        except (ValueError, RecursionError) as error:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "expected JSON.") from error

    def _upload(self) -> Path:
        """Store an uploaded picture under a harmless name of its own."""
        data = self._body(r"image/(png|jpeg|webp|bmp|tiff|x-ms-bmp)")
        sent = parse_qs(urlsplit(self.path).query).get("name", [""])[0]
        name = re.sub(r"[^\w.-]+", "-", unquote(sent)).strip(".-")[-80:]
        name = os.fsencode(name)[-80:].decode("utf-8", "ignore") or "picture"
        folder = Path(tempfile.mkdtemp(dir=self.server.uploads))  # that of the open picture stays
        path = folder / (name if "." in name else f"{name}.png")
        write_whole(path, data)
        return path

    def _forget_others(self, opened: Path) -> None:
        """Remove what was opened before through the page: the disk is the user's."""
        server = self.server
        server.opened.add(opened)
        for folder in server.opened - {server.session.base.picture.path.parent}:
            shutil.rmtree(folder, ignore_errors=True)
            server.opened.discard(folder)

    def _send_json(self, value: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(value).encode(), "application/json", status)

    def _send(self, data: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": len(data)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)


def _map_of(session: Session, episode: Episode, name: str) -> tuple[bytes, str]:
    """Write one of an episode's maps as the page asks for it; returns bytes and their type."""
    if found := re.fullmatch(r"(frame|change)-(\d{1,4})\.png", name):
        step = int(found[2])
        if step > session.task.length:
            raise RefusalError(HTTPStatus.NOT_FOUND, f"no step {step}.")
        frame = episode.frames[step] if found[1] == "frame" else episode.change(step).picture
        return messages.encode_png(frame), "image/png"
    if name == "mask.png":
        if episode.picture.mask is None:
            raise RefusalError(HTTPStatus.NOT_FOUND, "this task knows no mask.")
        return messages.encode_png(episode.picture.mask.inside.float()[None]), "image/png"
    if name == "doubt.bin":
        if episode.doubt is None:
            raise RefusalError(HTTPStatus.NOT_FOUND, "these agents have no goal to doubt.")
        return messages.encode_doubt(episode.doubt), "application/octet-stream"
    if name == "choices.bin":
        return episode.choices.numpy().tobytes(), "application/octet-stream"
    raise RefusalError(HTTPStatus.NOT_FOUND, "no such page.")
