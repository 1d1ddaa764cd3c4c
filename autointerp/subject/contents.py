"""What a corpus holds today: a value a source that changes when its text does, without reading it as text."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path

from autointerp.core.draws import content_key
from autointerp.core.errors import EnvironmentProblem
from autointerp.subject.corpus import existing, parse_source, split_field, text_files


def corpus_contents(specs: Iterable[str]) -> dict[str, str]:
    """Return, by source, the SHA-256 of the files it reads or the version of the package it reads.

    For ``datasets:`` there is only the name: what is behind it is streamed, and cannot be known before
    it is read.

    Raises:
        CorpusError: An unknown source, or a file that is not there.
        EnvironmentProblem: The package whose text is named is not installed.
    """
    sources = {spec: parse_source(spec) for spec in specs}
    return {spec: CONTENTS[source.name](source.argument) for spec, source in sources.items()}


def _gensim(_: str) -> str:
    try:
        return f"gensim {metadata.version('gensim')}"
    except metadata.PackageNotFoundError:
        msg = "the demo corpus needs gensim; install it with: pip install 'autointerp[demo]'"
        raise EnvironmentProblem(msg) from None


def _python(_: str) -> str:
    return f"Python {sys.version.split()[0]}"


def _packages(_: str) -> str:
    """Return a hash of every installed package with its version."""
    installed = sorted({(d.metadata["Name"].lower(), d.version) for d in metadata.distributions()})
    return f"packages {content_key(*installed)}"


def _text(argument: str) -> str:
    root = existing(argument, "text")
    return _hash_files(root, text_files(root))


def _file(kind: str) -> Callable[[str], str]:
    def contents(argument: str) -> str:
        path = existing(split_field(argument)[0], kind)
        return _hash_files(path, [path])

    return contents


def _name_only(argument: str) -> str:
    return f"name {argument}"


def _hash_files(root: Path, files: Iterable[Path]) -> str:
    """Return a hash of the files' names below *root* and of their bytes: both are in the documents."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(f"{path.relative_to(root)}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\0".encode())
    return f"sha256 {digest.hexdigest()}"


CONTENTS: Mapping[str, Callable[[str], str]] = {
    "gensim-wikipedia": _gensim,
    "gensim-news": _gensim,
    "python-stdlib": _python,
    "python-topics": _python,
    "package-docs": _packages,
    "text": _text,
    "jsonl": _file("jsonl"),
    "parquet": _file("parquet"),
    "datasets": _name_only,
}
"""One entry a source of ``corpus.SOURCES``."""
