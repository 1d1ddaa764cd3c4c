"""A run behind a URL: what is written is read back, a part is there whole or not at all, one machine writes."""

import warnings
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import fsspec
import pytest
from children import free_port

from autointerp.core.errors import StoreError
from autointerp.store import manifest
from autointerp.store.files import write_whole
from autointerp.store.manifest import open_run, read_manifest
from autointerp.store.parts import has_part, part_paths, read_table, write_part
from autointerp.store.places import cache_of, is_here, place

ROWS = [{"stage": "score", "about": f"x/1#{n}", "reason": "timeout", "detail": ""} for n in range(3)]

# boto warns of its own affairs.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An S3 server in this process, with one bucket."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        import boto3
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        boto3.client("s3").create_bucket(Bucket="runs")
        yield "s3://runs"
        server.stop()


@pytest.fixture(scope="module")
def google_bucket() -> Iterator[str]:
    """A Google Cloud Storage in this process, one ordinary bucket; it heeds "only if there is none" as Google does."""
    from gcp_storage_emulator.exceptions import NotFound
    from gcp_storage_emulator.handlers import objects
    from gcp_storage_emulator.server import create_server

    upload = objects._multipart_upload

    def upload_if(request: Any, response: Any, storage: Any) -> None:
        with suppress(NotFound):
            if request.query.get("ifGenerationMatch") == ["0"]:
                storage.get_file_obj(request.params["bucket_name"], request.data["meta"]["name"])
                response.status = HTTPStatus.PRECONDITION_FAILED
                return
        upload(request, response, storage)

    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        server = create_server("127.0.0.1", port, in_memory=True, default_bucket="runs")
        server.start()
        patch.setattr(objects, "_multipart_upload", upload_if)
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        # Otherwise it looks for credentials, and asks Google what kind of bucket it is.
        patch.setitem(fsspec.config.conf, "gs", {"token": "anon"})
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        yield "gs://runs"
        server.stop()


@pytest.fixture(params=["path", "file", "memory", "s3", "gs"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of every kind."""
    monkeypatch.setenv("AUTOINTERP_CACHE", str(tmp_path / "cache"))
    if request.param in ("s3", "gs"):
        bucket = request.getfixturevalue({"s3": "bucket", "gs": "google_bucket"}[request.param])
        return place(f"{bucket}/{request.node.originalname}")
    return place({"path": str(tmp_path), "file": tmp_path.as_uri(), "memory": f"memory:/{tmp_path}"}[request.param])


def test_what_is_written_is_read_back(home: Path) -> None:
    """Manifest and parts, by a path made anew from the text of the first: another process knows no more."""
    folder = home / "runs" / "a"
    with open_run(folder, "key", {"name": "a"}) as run:
        assert not run.is_resumed
        write_part(folder, "failures", "one", ROWS)
        write_part(folder, "failures", "two", ROWS[:1])
    again = place(str(folder))
    assert read_manifest(again)["name"] == "a"
    assert [path.stem for path in part_paths(again, "failures")] == ["one", "two"]
    assert len(read_table(again, "failures", filters=[("about", "==", "x/1#0")])) == 2
    assert has_part(again, "failures", "two")
    assert not has_part(again, "failures", "three")
    with open_run(again, "key", {"name": "a"}) as run:
        assert run.is_resumed


def test_a_writer_that_fails_leaves_what_was_there(home: Path) -> None:
    """Nothing of a write that broke off half-way is ever seen."""
    path = home / "x.txt"
    write_whole(path, lambda file: file.write(b"old"))

    def breaks(file: IO[bytes]) -> None:
        file.write(b"new, but ")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, breaks)
    assert path.read_bytes() == b"old"


def test_one_process_writes(home: Path) -> None:
    """A second one is refused while the first has the run, and let in afterwards."""
    folder = home / "runs" / "b"
    with open_run(folder, "key", {}), pytest.raises(StoreError, match="writing here"):
        open_run(folder, "key", {})
    open_run(folder, "key", {}).close()


def test_another_machine_is_refused_and_a_dead_process_of_this_one_is_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a URL the object left by another machine stands until somebody removes it; our own is taken over."""
    if is_here(home):
        pytest.skip("a lock of the file system")
    folder = home / "runs" / "c"
    open_run(folder, "key", {}).close()
    (folder / manifest.LOCK).write_bytes(b"elsewhere")
    with pytest.raises(StoreError, match="elsewhere is writing"):
        open_run(folder, "key", {})
    monkeypatch.setattr("platform.node", lambda: "elsewhere")
    open_run(folder, "key", {}).close()
    assert not (folder / manifest.LOCK).exists()


def test_what_needs_a_file_system_stays_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two homes behind URLs have two caches here; a home that is a folder has its own within."""
    monkeypatch.setenv("AUTOINTERP_CACHE", str(tmp_path))
    one, other = (cache_of(place(f"memory://{name}")) for name in ("one", "other"))
    assert one.parent == other.parent == tmp_path
    assert one != other
    assert cache_of(tmp_path) == tmp_path / "cache"
