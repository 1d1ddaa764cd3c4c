"""Corpora: files round trip, copies left out, and clear errors that name file and byte."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.errors import CorpusError
from autointerp.subject.corpus import distinct, in_keyed_order, list_source, read_corpus
from autointerp.subject.documents import Document, Listed

texts_of_files = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=30).filter(
        str.strip
    ),
    min_size=1,
    max_size=6,
    unique=True,
)


@given(texts_of_files)
def test_jsonl_and_parquet_round_trip(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """What was written is read, in order, whatever characters it holds."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "c.jsonl").write_text("".join(json.dumps({"body": t}, ensure_ascii=False) + "\n" for t in texts), "utf-8")
    pq.write_table(pa.table({"body": texts}), folder / "c.parquet")
    for spec in (f"jsonl:{folder}/c.jsonl#body", f"parquet:{folder}/c.parquet#body"):
        assert [d.text for d in read_corpus([spec])] == texts


def test_text_folder_round_trip(tmp_path: Path) -> None:
    """A folder gives one document a .txt or .md file, named by its path, other files left alone."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("first ü", "utf-8")
    (tmp_path / "sub" / "b.md").write_text("second", "utf-8")
    (tmp_path / "c.py").write_text("no", "utf-8")
    found = list(read_corpus([f"text:{tmp_path}"]))
    assert found == [Document("text/a.txt", "first ü"), Document("text/sub/b.md", "second")]
    assert [d.text for d in read_corpus([f"text:{tmp_path}/a.txt"])] == ["first ü"]


def test_copies_and_empty_texts_are_left_out(tmp_path: Path) -> None:
    """The same text under another name is read once, also across sources; blank texts never."""
    for name, text in (("a", "one"), ("b", "one"), ("c", " \n"), ("d", "two")):
        (tmp_path / f"{name}.txt").write_text(text, "utf-8")
    found = list(read_corpus([f"text:{tmp_path}", f"text:{tmp_path}/d.txt"]))
    assert [d.doc for d in found] == ["text/a.txt", "text/d.txt"]


@pytest.mark.parametrize("kind", ["text", "jsonl"])
def test_not_utf8(tmp_path: Path, kind: str) -> None:
    """The error names the file and the first byte that is wrong, and what to do."""
    path = tmp_path / "bad.txt"
    path.write_bytes(b"fine \xff not")
    with pytest.raises(CorpusError, match=r"bad\.txt: byte 5 is not UTF-8; convert"):
        list(read_corpus([f"{kind}:{path}"]))


def test_parquet_that_is_none(tmp_path: Path) -> None:
    """A file that is not Parquet is an error naming it, not a traceback."""
    path = tmp_path / "bad.parquet"
    path.write_bytes(b"not parquet at all")
    with pytest.raises(CorpusError, match=r"bad\.parquet"):
        list(read_corpus([f"parquet:{path}"]))


def test_wrong_field(tmp_path: Path) -> None:
    """A missing field or column names what there is to write."""
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "c.parquet")
    (tmp_path / "c.jsonl").write_text('{"body": "x"}\n')
    with pytest.raises(CorpusError, match="no column 'text', only body"):
        list(read_corpus([f"parquet:{tmp_path}/c.parquet"]))
    with pytest.raises(CorpusError, match=r"c\.jsonl:1: not a JSON object with the field 'text'"):
        list(read_corpus([f"jsonl:{tmp_path}/c.jsonl"]))


@pytest.mark.parametrize(("spec", "near"), [("jsnol:x", "jsonl"), ("gensim-wikipeda", "gensim-wikipedia")])
def test_unknown_source_offers_the_nearest(spec: str, near: str) -> None:
    """A misspelt source is an error with the right name."""
    with pytest.raises(CorpusError, match=f"did you mean '{near}'"):
        list(list_source(spec))


def test_missing_file() -> None:
    """A path that does not exist is an error of the configuration."""
    with pytest.raises(CorpusError, match="no such file or folder"):
        list(read_corpus(["text:/nowhere/at/all"]))


def test_keyed_share_is_a_share(tmp_path: Path) -> None:
    """``~0.3`` keeps about 30% of the documents, the same ones every time."""
    path = tmp_path / "c.jsonl"
    path.write_text("".join(json.dumps({"text": f"t{i}"}) + "\n" for i in range(1000)))
    kept = [d.doc for d in list_source(f"jsonl:{path}~0.3")]
    assert 240 < len(kept) < 360
    assert kept == [d.doc for d in list_source(f"jsonl:{path}~0.3")]


@given(st.lists(st.text(), unique=True), st.randoms(use_true_random=False))
def test_keyed_order_is_one_order(names: list[str], shuffler: object) -> None:
    """The order of documents does not depend on the order they were found in."""
    documents = [Document(name, name) for name in names]
    mixed = list(documents)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    assert in_keyed_order(mixed, seed=0) == in_keyed_order(documents, seed=0)


def test_documents_behind_those_that_are_taken_are_not_read() -> None:
    """Whoever stops after two documents has read no more than those, copies and empty ones before them aside."""
    read: list[str] = []

    def listed(doc: str, text: str) -> Listed:
        return Listed(doc, lambda: read.append(doc) or text)  # type: ignore[func-returns-value]

    documents = distinct(
        [listed("a", "one"), listed("b", "one"), listed("c", " "), listed("d", "two"), listed("e", "x")]
    )
    assert [next(documents).doc, next(documents).doc] == ["a", "d"]
    assert read == ["a", "b", "c", "d"]
