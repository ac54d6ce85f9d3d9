"""A model hub on this machine: Hugging Face's and ModelScope's protocols, with faults."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repo:
    """The files of one id, and the faults in serving them."""

    folder: Path
    drop_after: dict[str, int] = field(default_factory=dict)  # file → bytes; once
    drop_always: dict[str, int] = field(default_factory=dict)  # file → bytes never passed
    ignores_ranges: bool = False
    wrong_bytes: set[str] = field(default_factory=set)  # files served with other contents
    bytes_per_s: float | None = None

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file())


@dataclass
class Hub:
    """The running server: its address, its repositories, and the requests it got."""

    url: str
    repos: dict[str, Repo]
    requests: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range
    is_captive_portal: bool = False

    def ranges(self, name: str) -> list[str]:
        """The Range headers of the requests for a file; "" is the whole file."""
        return [span for method, path, span in self.requests if method == "GET" and name in path]


@contextmanager
def serve_hub(repos: dict[str, Repo]) -> Iterator[Hub]:
    """A hub on a free port of 127.0.0.1, until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.hub = Hub(f"http://127.0.0.1:{server.server_port}", repos)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    ROUTES: ClassVar[dict[str, str]] = {
        r"/api/models/(?P<repo>[^/]+/[^/]+)(/revision/(?P<revision>.+))?": "_hf_info",
        r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)": "_file",
        r"/api/v1/models/(?P<repo>[^/]+/[^/]+)/repo/files": "_ms_listing",
        r"/api/v1/models/(?P<repo>[^/]+/[^/]+)/repo": "_ms_file",
    }

    @property
    def hub(self) -> Hub:
        assert isinstance(self.server, _Server)
        return self.server.hub

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Do not log requests."""

    def do_HEAD(self) -> None:
        self._json(200, {})

    def do_GET(self) -> None:
        self.hub.requests.append(("GET", self.path, self.headers.get("Range", "")))
        if self.hub.is_captive_portal:
            self._json(200, "<html>Please accept our terms</html>")
            return
        path = unquote(urlsplit(self.path).path)
        for pattern, name in self.ROUTES.items():
            if match := re.fullmatch(pattern, path):
                repo = self.hub.repos.get(match["repo"])
                if repo is None:
                    self._json(404, {"error": "Repository not found"}, code="RepoNotFound")
                else:
                    getattr(self, name)(repo, match.groupdict())
                return
        self._json(404, {"error": "no such page"})

    def _hf_info(self, repo: Repo, found: dict[str, str]) -> None:
        if found["revision"] not in (None, "main", COMMIT):
            self._json(404, {"error": "Invalid rev id"}, code="RevisionNotFound")
            return
        siblings = []
        for path in repo.files():
            data = path.read_bytes()
            sibling: dict[str, Any] = {"rfilename": path.name, "size": len(data), "blobId": "b"}
            if path.suffix == ".safetensors":  # the hub hashes only what lies in its big store
                digest = hashlib.sha256(data).hexdigest()
                sibling["lfs"] = {"size": len(data), "sha256": digest, "pointerSize": 134}
            siblings.append(sibling)
        self._json(
            200,
            {"id": found["repo"], "sha": COMMIT, "siblings": siblings, "tags": ["license:mit"]},
        )

    def _ms_listing(self, repo: Repo, found: dict[str, str]) -> None:
        files = [
            {
                "Path": path.name,
                "Name": path.name,
                "Type": "blob",
                "Size": path.stat().st_size,
                "Sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "Revision": COMMIT if path.name == "config.json" else "f" * 40,
                "CommittedDate": 200 if path.name == "config.json" else 100,
            }
            for path in repo.files()
        ]
        self._json(200, {"Code": 200, "Data": {"Files": files}, "Success": True})

    def _ms_file(self, repo: Repo, found: dict[str, str]) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._file(repo, {"file": query["FilePath"][0]})

    def _file(self, repo: Repo, found: dict[str, str]) -> None:
        name = found["file"]
        data = (repo.folder / name).read_bytes()
        if name in repo.wrong_bytes:
            data = bytes(byte ^ 1 for byte in data)
        span = "" if repo.ignores_ranges else self.headers.get("Range", "")
        start = int(span[6:].partition("-")[0] or 0)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        wall = repo.drop_always.get(name)
        drop_after = repo.drop_after.pop(name, None) if wall is None else max(0, wall - start)
        self._send(data[start:], repo, drop_after)

    def _send(self, data: bytes, repo: Repo, drop_after: int | None) -> None:
        piece = 4096
        for offset in range(0, len(data), piece):
            if drop_after is not None and offset >= drop_after:
                self.close_connection = True
                return
            try:
                self.wfile.write(data[offset : offset + piece])
            except OSError:  # the client left in the middle, as a stopped download does
                self.close_connection = True
                return
            if repo.bytes_per_s:
                time.sleep(piece / repo.bytes_per_s)

    def _json(self, status: int, body: object, code: str = "") -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
