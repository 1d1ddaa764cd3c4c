"""Text by name: packages, files or any ``datasets`` name, one document at a time.

A source lists its documents by name first and reads one when it is asked for: a harvest of 70
documents in keyed order need not parse the thousands behind them.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from autointerp.core.draws import draw_key
from autointerp.core.errors import CorpusError
from autointerp.subject.documents import Document, Listed, NamedT
from autointerp.subject.packages import (
    list_news,
    list_package_docs,
    list_python_stdlib,
    list_python_topics,
    list_wikipedia,
)


def list_text(argument: str) -> Iterator[Listed]:
    """Yield one document a file: *argument* is a file, or a folder whose ``.txt`` and ``.md`` files are read."""
    root = existing(argument, "text")
    for path in text_files(root):
        yield Listed(f"text/{path.relative_to(root) if root.is_dir() else path.name}", partial(_decode, path))


def text_files(root: Path) -> list[Path]:
    """Return the files that ``text:`` reads, in order."""
    return sorted(p for p in root.rglob("*") if p.suffix in {".txt", ".md"}) if root.is_dir() else [root]


def _decode(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        msg = (
            f"{path}: byte {error.start} is not UTF-8; convert the file (for example with iconv -t utf-8) and run again"
        )
        raise CorpusError(msg) from None


def existing(argument: str, kind: str) -> Path:
    """Return the path as it stands on this machine. Raises CorpusError when nothing is there."""
    path = Path(argument).expanduser()
    if not argument or not path.exists():
        msg = f"corpus {kind}:{argument}: there is no such file or folder; write {kind}:PATH"
        raise CorpusError(msg)
    return path


def split_field(argument: str) -> tuple[str, str]:
    """Return (path, field): ``file.jsonl#body`` reads the field ``body``, default ``text``."""
    path, _, field = argument.partition("#")
    return path, field or "text"


def list_jsonl(argument: str) -> Iterator[Listed]:
    """Yield one document a line; the text stands in the field ``text``, or in FIELD of ``jsonl:PATH#FIELD``."""
    name, field = split_field(argument)
    path = existing(name, "jsonl")
    # Not ``splitlines``: JSON strings may hold its other line breaks (U+2028 and the like) as they are.
    for number, line in enumerate(_decode(path).split("\n"), start=1):
        if line.strip():
            yield Listed(f"{path.stem}/{number}", partial(_field_of, line, field, where=f"{path}:{number}"))


def _field_of(line: str, field: str, *, where: str) -> str:
    return str(_json_field(line, field, where=where))


def _json_field(line: str, field: str, *, where: str) -> Any:
    try:
        return json.loads(line)[field]
    except (json.JSONDecodeError, KeyError, TypeError):
        msg = f"{where}: not a JSON object with the field {field!r}; name the field as jsonl:PATH#FIELD"
        raise CorpusError(msg) from None


def read_labels(path: Path) -> dict[str, bool]:
    """Return, by the documents' names, the field ``label`` of a file of JSON lines: true or 1, false or 0."""
    labels = {}
    for number, line in enumerate(_decode(existing(str(path), "jsonl")).split("\n"), start=1):
        if line.strip():
            label = _json_field(line, "label", where=f"{path}:{number}")
            if label not in (0, 1):
                msg = f"{path}:{number}: the label {label!r} is neither true or 1 nor false or 0"
                raise CorpusError(msg)
            labels[f"{path.stem}/{number}"] = bool(label)
    return labels


def list_parquet(argument: str) -> Iterator[Listed]:
    """Yield one document a row; the text stands in the column ``text``, or in FIELD of ``parquet:PATH#FIELD``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name, field = split_field(argument)
    path = existing(name, "parquet")
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        msg = f"{path}: not a Parquet file, or cut short ({str(error).splitlines()[0]}); write it again"
        raise CorpusError(msg) from None
    if field not in file.schema_arrow.names:
        msg = f"{path}: no column {field!r}, only {', '.join(file.schema_arrow.names)}; write parquet:PATH#COLUMN"
        raise CorpusError(msg)
    number = 0
    for batch in file.iter_batches(columns=[field], batch_size=256):
        for text in batch.column(0).to_pylist():
            yield Listed(f"{path.stem}/{number}", partial(str, text or ""))
            number += 1


def list_datasets(argument: str) -> Iterator[Listed]:
    """Yield the rows of a Hugging Face dataset, streamed: ``datasets:NAME@SPLIT#FIELD``."""
    from datasets import load_dataset

    name, field = split_field(argument)
    name, _, split = name.partition("@")
    try:
        rows = load_dataset(name, split=split or "train", streaming=True)
    except Exception as error:
        msg = f"corpus datasets:{argument}: {type(error).__name__}: {error}; check the name, the split and the network"
        raise CorpusError(msg) from error
    for number, row in enumerate(rows):
        yield Listed(f"{name}/{number}", partial(str, row[field]))


SOURCES: dict[str, Callable[[str], Iterator[Listed]]] = {
    "gensim-wikipedia": list_wikipedia,
    "gensim-news": list_news,
    "python-stdlib": list_python_stdlib,
    "python-topics": list_python_topics,
    "package-docs": list_package_docs,
    "text": list_text,
    "jsonl": list_jsonl,
    "parquet": list_parquet,
    "datasets": list_datasets,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of ``corpus``, taken apart: ``NAME:ARGUMENT~SHARE``."""

    name: str
    argument: str
    share: float


def parse_source(spec: str) -> Source:
    """Return ``NAME:ARGUMENT~SHARE`` taken apart; the last two may be left out. Raises CorpusError for a wrong name."""
    from difflib import get_close_matches

    body, _, share = spec.rpartition("~") if re.search(r"~[0-9.]+$", spec) else (spec, "", "")
    name, _, argument = body.partition(":")
    if name not in SOURCES:
        near = get_close_matches(name, SOURCES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(SOURCES)}"
        msg = f"corpus {spec!r}: no source named {name!r}; {hint}"
        raise CorpusError(msg)
    return Source(name, argument, float(share) if share else 1.0)


def list_source(spec: str) -> Iterator[Listed]:
    """Yield the documents of one source by name. ``python-stdlib~0.4`` keeps a keyed 40% of them."""
    source = parse_source(spec)
    documents = SOURCES[source.name](source.argument)
    return (d for d in documents if source.share >= 1 or draw_key(0, "share", d.doc) < source.share * 2**64)


def list_corpus(specs: Iterable[str]) -> Iterator[Listed]:
    """Yield every document of all sources by name, none read."""
    for spec in specs:
        yield from list_source(spec)


def distinct(documents: Iterable[Listed]) -> Iterator[Document]:
    """Yield every document once, read when it is asked for: empty ones and copies of an earlier text are left out."""
    seen: set[str] = set()
    for listed in documents:
        document = listed.open()
        fingerprint = document.fingerprints[1]
        if document.text.strip() and fingerprint not in seen:
            seen.add(fingerprint)
            yield document


def read_corpus(specs: Iterable[str]) -> Iterator[Document]:
    """Yield the distinct documents of all sources, in the sources' order."""
    return distinct(list_corpus(specs))


def in_keyed_order(documents: Iterable[NamedT], *, seed: int) -> list[NamedT]:
    """Return the documents in an order decided by the seed and their names, so that a prefix is a fair sample."""
    return sorted(documents, key=lambda d: draw_key(seed, "order", d.doc))


def describe_machine() -> str:
    """Return what decides the text of the Python sources: the interpreter's version."""
    return f"Python {sys.version.split()[0]}"
