"""A page as a value: what its template shows, what its ``.json`` holds and which rows its ``.csv`` has."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

from autointerp.core.errors import AutointerpError
from autointerp.dashboard.shelf import Reader


class NotThereError(AutointerpError):
    """The address names what the snapshot does not have."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows for CSV; they may be made while they are sent."""

    head: Sequence[str]
    rows: Iterable[Sequence[object]]


@dataclass(frozen=True, slots=True)
class View:
    """One page. ``data``: what the template sees by name and what ``.json`` holds. ``trail``: (words, address) of
    the pages above it. ``error``: what was wrong with the request, shown where the rows would be.
    """

    title: str
    template: str
    data: Mapping[str, Any]
    sheet: Callable[[], Sheet]
    trail: tuple[tuple[str, str], ...] = ()
    error: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        found = {name: plain(value) for name, value in self.data.items()}
        return {"title": self.title, **({"error": self.error} if self.error else {}), **found}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: the names in its path, what stands after the question mark, its format."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    format: str = "html"

    def get(self, name: str, default: str = "") -> str:
        return self.query.get(name, default)


Page = Callable[[Reader, Asked], View]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: fields by name, tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(inner) for name, inner in asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return value
