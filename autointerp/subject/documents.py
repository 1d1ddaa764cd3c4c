"""Documents: known by name first, read when asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from autointerp.core.draws import content_key


@dataclass(frozen=True, slots=True)
class Document:
    """One text with a name that stays the same from run to run: ``wikipedia/Anarchism``."""

    doc: str
    text: str

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Hashes of the name and of the text: a document is known again by either."""
        return name_fingerprint(self.doc), content_key("text", self.text)


def name_fingerprint(doc: str) -> str:
    """Return the hash by which a document is known again by its name, before it is read."""
    return content_key("doc", doc)


@dataclass(frozen=True, slots=True)
class Listed:
    """A document known by its name, its text not read yet. ``read`` gives "" for what is no text."""

    doc: str
    read: Callable[[], str]

    def open(self) -> Document:
        """Return the document with its text. Raises what its source raises for a file that cannot be read."""
        return Document(self.doc, self.read())


class Named(Protocol):
    """What has a document's name."""

    @property
    def doc(self) -> str: ...


NamedT = TypeVar("NamedT", bound=Named)
