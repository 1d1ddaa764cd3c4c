"""What a corpus holds: known again when its text is the same, another value as soon as a byte differs."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autointerp.core.errors import CorpusError
from autointerp.subject.contents import CONTENTS, corpus_contents
from autointerp.subject.corpus import SOURCES


def content_of(spec: str) -> str:
    return corpus_contents([spec])[spec]


def test_every_source_has_contents() -> None:
    """A source that is added says what decides its text."""
    assert set(CONTENTS) == set(SOURCES)


@pytest.mark.parametrize("kind", ["text", "jsonl", "parquet"])
def test_a_changed_byte_is_another_content(tmp_path: Path, kind: str) -> None:
    """Written again as it was a file has the same content; one character more and it has another."""
    path = tmp_path / f"file.{kind}"

    def write(text: str) -> None:
        if kind == "parquet":
            pq.write_table(pa.table({"text": [text]}), path)
        else:
            path.write_text(text)

    write("a")
    before = content_of(f"{kind}:{path}")
    write("a")
    assert content_of(f"{kind}:{path}") == before
    write("b")
    assert content_of(f"{kind}:{path}") != before


def test_folder_of_texts(tmp_path: Path) -> None:
    """A folder changes with its files' names and bytes, and not with files that are not read."""
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.md").write_text("two")
    seen = [content_of(f"text:{tmp_path}")]
    (tmp_path / "c.py").write_text("three")
    assert content_of(f"text:{tmp_path}") == seen[0]
    (tmp_path / "a.txt").rename(tmp_path / "d.txt")
    seen.append(content_of(f"text:{tmp_path}"))
    (tmp_path / "d.txt").write_text("onet")
    (tmp_path / "b.md").write_text("wo")
    seen.append(content_of(f"text:{tmp_path}"))
    assert len(set(seen)) == 3


def test_packages_and_names() -> None:
    """Text inside packages goes by their versions; a data set has only its name."""
    from importlib import metadata

    found = corpus_contents(["gensim-news", "python-topics~0.3", "package-docs", "datasets:x/y@train#body"])
    assert found["gensim-news"] == f"gensim {metadata.version('gensim')}"
    assert found["python-topics~0.3"].startswith("Python 3.")
    assert found["package-docs"] == content_of("package-docs")
    assert found["datasets:x/y@train#body"] == "name x/y@train#body"


@pytest.mark.parametrize("spec", ["text:/nowhere", "jsonl:/nowhere#body", "parquet:", "gensim-wiki"])
def test_what_is_not_there(spec: str) -> None:
    """An absent file and an unknown source are the errors that reading them gives."""
    with pytest.raises(CorpusError):
        content_of(spec)
