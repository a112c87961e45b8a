"""Serve a package index on this machine: PyTorch's layout, range requests, dropped connections."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class PackageIndex:
    """Serves ``folder/<tag>/*.whl`` as the index ``<url>/<tag>``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.requests: list[tuple[str, str, str]] = []
        """Method, path and Range header of each, in order."""
        self.cut_after: int | None = None
        """Bytes of a wheel after which the connection drops, once; never for pip itself."""
        self.takes_ranges = True
        self.spoils = False
        """Change a byte of each wheel."""
        self.pause_s = 0.0
        """Between two blocks of a wheel."""

    def asked(self, method: str = "GET") -> list[str]:
        """Return the names of the requested wheels."""
        return [
            path.rsplit("/", 1)[1] for m, path, _ in self.requests if m == method and ".whl" in path
        ]

    def page(self, tag: str, project: str) -> str:
        """Return the page of one project."""
        links = [
            f'<a href="/{tag}/{path.name}#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}">'
            f"{path.name}</a>"
            for path in sorted((self.folder / tag).glob(f"{project}-*.whl"))
        ]
        return "<!DOCTYPE html><html><body>" + "<br>".join(links) + "</body></html>"


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[PackageIndex]:
    """Run an index on a free port of 127.0.0.1."""
    index = PackageIndex(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(index))
    index.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(index: PackageIndex) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

        def _answer(self, *, with_body: bool) -> None:
            wanted = self.headers.get("Range", "")
            index.requests.append((self.command, self.path, wanted))
            page = re.fullmatch(r"/([^/]+)/([^/]+)/", self.path)
            if page and (index.folder / page[1]).is_dir():
                self._send(200, index.page(page[1], page[2]).encode(), "text/html", with_body)
                return
            path = index.folder / self.path.lstrip("/").replace("%2B", "+")
            if not path.is_file():
                self.send_error(404)
                return
            data = path.read_bytes()
            if index.spoils:
                data = data[:-1] + bytes([data[-1] ^ 1])
            start = re.fullmatch(r"bytes=(\d+)-", wanted)
            if start and index.takes_ranges:
                first = int(start[1])
                if first >= len(data):
                    self.send_error(416)
                    return
                self._send(206, data[first:], "application/octet-stream", with_body)
            else:
                self._send(200, data, "application/octet-stream", with_body)

        def _send(self, status: int, data: bytes, kind: str, with_body: bool) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if not with_body:
                return
            is_ours = kind != "text/html" and "pip" not in self.headers.get("User-Agent", "")
            limit = None
            if is_ours:
                limit, index.cut_after = index.cut_after, None
            with contextlib.suppress(ConnectionError):
                for first in range(0, len(data), 1 << 16):
                    if limit is not None and first >= limit:
                        self.close_connection = True
                        return
                    self.wfile.write(data[first : first + (1 << 16)])
                    time.sleep(index.pause_s if is_ours else 0)

    return Handler
