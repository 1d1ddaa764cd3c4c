"""Text by name: packages, files or any ``datasets`` name, one document at a time."""

import json
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata, resources
from itertools import islice
from pathlib import Path
from typing import Any

from autointerp.core.draws import content_key, draw_key
from autointerp.core.errors import CorpusError, EnvironmentProblem


@dataclass(frozen=True, slots=True)
class Document:
    """One text with a name that stays the same from run to run: ``wikipedia/Anarchism``."""

    doc: str
    text: str

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Hashes of the name and of the text: a document is known again by either."""
        return content_key("doc", self.doc), content_key("text", self.text)


WIKIPEDIA_FILE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"


def _gensim_file(name: str) -> Path:
    try:
        return Path(str(resources.files("gensim") / "test" / "test_data" / name))
    except ModuleNotFoundError:
        msg = "the demo corpus needs gensim; install it with: pip install 'autointerp[demo]'"
        raise EnvironmentProblem(msg) from None


def _plain_wikitext(text: str) -> str:
    """Return article text without the headings' and lists' markup that ``filter_wiki`` leaves."""
    text = re.sub(r"'{2,}", "", text)
    text = re.sub(r"^[ \t]*=+\s*(.*?)\s*=+[ \t]*$", r"\1", text, flags=re.M)
    text = re.sub(r"^[*#:;]+\s*", "", text, flags=re.M)
    return re.sub(r"[ \t]*\n\s*\n+", "\n\n", text).strip()


def read_wikipedia(_: str) -> Iterator[Document]:
    """Yield the 106 articles inside the gensim wheel, case and punctuation kept."""
    path = _gensim_file(WIKIPEDIA_FILE)
    import bz2

    from gensim.corpora.wikicorpus import extract_pages, filter_wiki

    with bz2.open(path) as file:
        for title, text, _page in extract_pages(file, ("0",)):
            plain = _plain_wikitext(filter_wiki(text))
            if not plain.upper().startswith("REDIRECT"):
                yield Document(f"wikipedia/{title}", plain)


def read_news(_: str) -> Iterator[Document]:
    """Yield the 300 news items of the Lee corpus inside the gensim wheel, one a line."""
    for number, line in enumerate(_gensim_file("lee_background.cor").read_text("utf-8").splitlines()):
        yield Document(f"news/{number}", line.strip())


def read_python_stdlib(_: str) -> Iterator[Document]:
    """Yield the standard library's source files, its tests left out."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if not {"test", "tests", "site-packages", "idle_test", "lib2to3", "pydoc_data"} & set(parts):
            yield from _file_document(path, f"python/{'/'.join(parts)}")


def read_python_topics(_: str) -> Iterator[Document]:
    """Yield the language reference's topics, as ``help("...")`` prints them."""
    from pydoc_data.topics import topics

    for name, text in sorted(topics.items()):
        yield Document(f"topic/{name}", text)


def read_package_docs(_: str) -> Iterator[Document]:
    """Yield the descriptions of the installed packages and the prose files that they ship."""
    for package in sorted(metadata.distributions(), key=lambda d: d.metadata["Name"].lower()):
        name = package.metadata["Name"].lower()
        message: Any = package.metadata  # an email.message.Message; its protocol names less
        body = message.get_payload() or message.get("Description") or ""
        yield Document(f"package/{name}/description", str(body).strip())
        for file in package.files or ():
            if file.suffix in {".md", ".rst"} and not re.search(r"licen[cs]e|notice|authors", file.name, re.I):
                yield from _file_document(Path(str(file.locate())), f"package/{name}/{file.as_posix()}")


def _file_document(path: Path, doc: str) -> Iterator[Document]:
    try:
        yield Document(doc, path.read_text("utf-8"))
    except (UnicodeDecodeError, OSError):
        return  # files of other people's packages: what is not text is not corpus


def read_text(argument: str) -> Iterator[Document]:
    """Yield one document a file: *argument* is a file, or a folder whose ``.txt`` and ``.md`` files are read."""
    root = existing(argument, "text")
    for path in text_files(root):
        yield Document(f"text/{path.relative_to(root) if root.is_dir() else path.name}", _decode(path))


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


def read_jsonl(argument: str) -> Iterator[Document]:
    """Yield one document a line; the text stands in the field ``text``, or in FIELD of ``jsonl:PATH#FIELD``."""
    name, field = split_field(argument)
    path = existing(name, "jsonl")
    # Not ``splitlines``: JSON strings may hold its other line breaks (U+2028 and the like) as they are.
    for number, line in enumerate(_decode(path).split("\n"), start=1):
        if line.strip():
            yield Document(f"{path.stem}/{number}", _field_of(line, field, where=f"{path}:{number}"))


def _field_of(line: str, field: str, *, where: str) -> str:
    try:
        return str(json.loads(line)[field])
    except (json.JSONDecodeError, KeyError, TypeError):
        msg = f"{where}: not a JSON object with the field {field!r}; name the field as jsonl:PATH#FIELD"
        raise CorpusError(msg) from None


def read_parquet(argument: str) -> Iterator[Document]:
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
            yield Document(f"{path.stem}/{number}", str(text or ""))
            number += 1


def read_datasets(argument: str) -> Iterator[Document]:
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
        yield Document(f"{name}/{number}", str(row[field]))


SOURCES: dict[str, Callable[[str], Iterator[Document]]] = {
    "gensim-wikipedia": read_wikipedia,
    "gensim-news": read_news,
    "python-stdlib": read_python_stdlib,
    "python-topics": read_python_topics,
    "package-docs": read_package_docs,
    "text": read_text,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
    "datasets": read_datasets,
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


def read_source(spec: str) -> Iterator[Document]:
    """Yield the documents of one source. ``python-stdlib~0.4`` keeps a keyed 40% of them."""
    source = parse_source(spec)
    documents = SOURCES[source.name](source.argument)
    return (d for d in documents if source.share >= 1 or draw_key(0, "share", d.doc) < source.share * 2**64)


def read_corpus(specs: Iterable[str]) -> Iterator[Document]:
    """Yield every document once: empty ones and exact copies of an earlier text are left out."""
    seen: set[str] = set()
    for spec in specs:
        for document in read_source(spec):
            fingerprint = document.fingerprints[1]
            if document.text.strip() and fingerprint not in seen:
                seen.add(fingerprint)
                yield document


def in_keyed_order(documents: Iterable[Document], *, seed: int) -> list[Document]:
    """Return the documents in an order decided by the seed and their names, so that a prefix is a fair sample."""
    return sorted(documents, key=lambda d: draw_key(seed, "order", d.doc))


def first_documents(specs: Iterable[str], n: int) -> list[Document]:
    """Return at most *n* documents in source order, for looking at a corpus."""
    return list(islice(read_corpus(specs), n))


def describe_machine() -> str:
    """Return what decides the text of the Python sources: the interpreter's version."""
    return f"Python {sys.version.split()[0]}"
