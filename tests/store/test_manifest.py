"""A run belongs to one configuration and one writer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autointerp.core.errors import ConfigError, StoreError
from autointerp.store.manifest import LOCK, open_run, read_manifest, write_manifest

MANIFEST = {"config": {"seed": 0, "sampling": {"n": 20, "tiers": (1, 2)}}, "versions": {"numpy": "2"}}


def test_create_and_resume(tmp_path: Path) -> None:
    """The second time the folder is gone on with, under the manifest it was begun with."""
    with open_run(tmp_path / "run", "k", MANIFEST) as run:
        assert not run.is_resumed
    with open_run(tmp_path / "run", "k", {**MANIFEST, "versions": {"numpy": "3"}}) as run:
        assert run.is_resumed
        assert run.manifest["versions"] == {"numpy": "2"}
        assert run.manifest == read_manifest(tmp_path / "run")
    assert run.manifest["config"]["sampling"]["tiers"] == [1, 2]


def test_other_settings_are_named(tmp_path: Path) -> None:
    """The error names every setting that differs, and only those."""
    open_run(tmp_path / "run", "k", MANIFEST).close()
    with pytest.raises(ConfigError, match=r"sampling\.n was 20, now 30") as caught:
        open_run(tmp_path / "run", "k2", {"config": {"seed": 0, "sampling": {"n": 30, "tiers": (1, 2)}, "new": 1}})
    assert "new was not set, now 1" in str(caught.value)
    assert "seed" not in str(caught.value)
    assert "tiers" not in str(caught.value)
    assert "--name" in str(caught.value)
    open_run(tmp_path / "run", "k", MANIFEST).close()


def test_same_settings_but_other_inputs(tmp_path: Path) -> None:
    """When the settings agree the rest of the manifest tells the difference."""
    open_run(tmp_path / "run", "k", {**MANIFEST, "prompts": {"detection": "aa"}}).close()
    with pytest.raises(ConfigError, match=r'prompts\.detection was "aa", now "bb"'):
        open_run(tmp_path / "run", "k2", {**MANIFEST, "prompts": {"detection": "bb"}})


def test_settings_that_decide_nothing_are_not_named(tmp_path: Path) -> None:
    """Where the settings' key is the same, the text is why, not a budget that was given another ceiling."""
    begun = {"key": "a", "config": {"budget": 1}, "corpus_contents": {"text": "old"}}
    open_run(tmp_path / "run", "k", begun).close()
    with pytest.raises(ConfigError, match=r'settings: corpus_contents\.text was "old", now "new"'):
        open_run(tmp_path / "run", "k2", begun | {"config": {"budget": 2}, "corpus_contents": {"text": "new"}})


def test_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A folder with somebody's files is not taken for a run."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="thesis"):
        open_run(tmp_path, "k", MANIFEST)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(StoreError, match="a file stands"):
        open_run(tmp_path / "thesis.txt", "k", MANIFEST)


def test_interrupted_before_the_manifest(tmp_path: Path) -> None:
    """A folder with only our lock and a leftover is a run that had not begun."""
    (tmp_path / LOCK).write_text("1")
    (tmp_path / ".manifest.json.1.0.tmp").write_text("{")
    open_run(tmp_path, "k", MANIFEST).close()


@pytest.mark.parametrize("content", [b"", b'{"config_key": "k', b"[1]", b"\xff\xfe"])
def test_damaged_manifest(tmp_path: Path, content: bytes) -> None:
    """A damaged manifest is told with its path; the lock is let go."""
    open_run(tmp_path, "k", MANIFEST).close()
    (tmp_path / "manifest.json").write_bytes(content)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"manifest\.json: damaged"):
            open_run(tmp_path, "k", MANIFEST)


def test_no_run(tmp_path: Path) -> None:
    """Reading a folder that is no run says so."""
    with pytest.raises(StoreError, match="not a run"):
        read_manifest(tmp_path)


def test_nan_never_enters_a_manifest(tmp_path: Path) -> None:
    """JSON has no NaN; writing one is a bug and leaves no file."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_manifest(tmp_path, {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_two_writers(tmp_path: Path) -> None:
    """A second opening is refused with the holder's process id, and allowed after close."""
    with open_run(tmp_path, "k", MANIFEST), pytest.raises(StoreError, match=f"process {os.getpid()} is writing"):
        open_run(tmp_path, "k", MANIFEST)
    open_run(tmp_path, "k", MANIFEST).close()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    """A killed writer leaves its id behind, not its lock."""
    code = (
        "import os, signal, sys; from pathlib import Path; from autointerp.store.manifest import open_run\n"
        f"open_run(Path(sys.argv[1]), 'k', {MANIFEST!r}); print('open', flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "open\n"
            with pytest.raises(StoreError, match=f"process {other.pid} is writing"):
                open_run(tmp_path, "k", MANIFEST)
        finally:
            other.kill()
    with open_run(tmp_path, "k", MANIFEST) as run:
        assert run.is_resumed
    assert (tmp_path / LOCK).read_text() == str(os.getpid())
