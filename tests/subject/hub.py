"""A Hugging Face hub on this machine: files of a folder, as ``huggingface_hub`` asks for them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote

COMMIT = "0" * 40


@contextmanager
def hub(root: Path) -> Iterator[str]:
    """Serve ``root/OWNER/REPOSITORY/…`` while within; gives the address, for ``HF_ENDPOINT``."""

    class Files(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            asked_path = unquote(self.path.partition("?")[0]).strip("/")
            if asked_path.startswith("api/models/"):
                self._send(json.dumps(self._listed(asked_path.split("/")[2:])).encode(), with_body=with_body)
                return
            repository, _, path = re.sub(f"/resolve/({COMMIT}|main)/", "//", asked_path).partition("//")
            file = root / repository / path
            if not path or not file.is_file():
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._send(file.read_bytes(), with_body=with_body)

        def _listed(self, parts: list[str]) -> Any:
            """Return the files of ``OWNER/REPOSITORY/tree/…``, or what is known of ``OWNER/REPOSITORY/…``."""
            folder = root / parts[0] / parts[1]
            paths = sorted(path for path in folder.rglob("*") if path.is_file())
            if parts[2:3] == ["tree"]:
                return [
                    {"type": "file", "path": str(p.relative_to(folder)), "size": p.stat().st_size, "oid": COMMIT}
                    for p in paths
                ]
            return {"id": "/".join(parts[:2]), "sha": COMMIT, "siblings": []}

        def _send(self, content: bytes, *, with_body: bool) -> None:
            asked = self.headers.get("Range")
            first, _, last = (asked or "bytes=0-").removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last) + 1 if last else None]
            self.send_response(206 if asked else 200)
            self.send_header("ETag", f'"{sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if with_body:
                self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
