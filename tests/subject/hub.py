"""A Hugging Face hub on this machine: files of a folder, as ``huggingface_hub`` asks for them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.utils import send_file

COMMIT = "0" * 40


@contextmanager
def hub(root: Path) -> Iterator[str]:
    """Serve ``root/OWNER/REPOSITORY/…`` while within; gives the address, for ``HF_ENDPOINT``."""

    def answer(request: Request) -> Response:
        if request.path.startswith("/api/models/"):
            return Response(json.dumps(listed(root, request.path.split("/")[3:])))
        repository, _, path = re.sub(f"/resolve/({COMMIT}|main)/", "//", request.path.strip("/")).partition("//")
        file = root / repository / path
        if path and file.is_file():
            found = send_file(file, request.environ, etag=sha256(file.read_bytes()).hexdigest())
        else:
            found = Response(status=404, headers={"X-Error-Code": "EntryNotFound"})
        found.headers["X-Repo-Commit"] = COMMIT
        return found

    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        server.expect_request(re.compile(".*")).respond_with_handler(answer)
        yield server.url_for("").rstrip("/")


def listed(root: Path, parts: list[str]) -> Any:
    """Return the files of ``OWNER/REPOSITORY/tree/…``, or what is known of ``OWNER/REPOSITORY/…``."""
    folder = root / parts[0] / parts[1]
    if parts[2:3] != ["tree"]:
        return {"id": "/".join(parts[:2]), "sha": COMMIT, "siblings": []}
    return [
        {"type": "file", "path": str(path.relative_to(folder)), "size": path.stat().st_size, "oid": COMMIT}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
