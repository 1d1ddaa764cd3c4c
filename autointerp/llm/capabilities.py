"""What a server can do: assumed by provider, found out by asking it, kept beside the replies, shown."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autointerp.core.errors import StoreError

FILE = "capabilities.json"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What may be asked of a model behind a server.

    ``api``: ``chat``, ``responses`` or ``messages``. ``prompt_logprobs``: how log-probabilities of the
    prompt's own tokens are had, ``echo`` (legacy completions), ``chat`` (vLLM's parameter) or "".
    ``notes``: why something is missing, by its name. ``probed``: the day it was found out, "" when assumed.
    """

    api: str = "chat"
    logprobs: bool = True
    json_schema: bool = False
    prompt_logprobs: str = ""
    decisions: bool = False
    probed: str = ""
    model: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return one line for each thing it can or cannot do, for a person."""
        found = f"found out on {self.probed}" if self.probed else "assumed; `autointerp doctor --judge` finds out"
        told = [f"api              {self.api} ({found})"]
        for name in ("logprobs", "json_schema", "prompt_logprobs", "decisions"):
            value = getattr(self, name)
            note = f"  {self.notes[name]}" if name in self.notes else ""
            told.append(f"{name:16} {value if isinstance(value, str) and value else 'yes' if value else 'no'}{note}")
        return told


def capabilities_key(name: str, place: str) -> str:
    """Return under what the capabilities of a model behind a server are kept."""
    return f"{name} at {place}"


def load_capabilities(folder: Path, key: str) -> Capabilities | None:
    """Return what is kept in *folder*, None when nothing is. Raises StoreError for a file that is not ours."""
    kept = _read(folder / FILE)
    found = kept.get(key)
    if found is None:
        return None
    try:
        return replace(Capabilities(**found), notes=dict(found.get("notes", {})))
    except (TypeError, ValueError) as error:
        raise _foreign(folder / FILE) from error


def save_capabilities(folder: Path, key: str, capabilities: Capabilities) -> None:
    """Keep what was found out, beside what is known of other servers."""
    path = folder / FILE
    kept = _read(path) | {key: asdict(capabilities)}
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{FILE}.{os.getpid()}")
    temporary.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
    temporary.replace(path)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _foreign(path) from error
    if not isinstance(kept, dict):
        raise _foreign(path)
    return kept


def _foreign(path: Path) -> StoreError:
    return StoreError(f"{path} is damaged or not ours; move it away, and `autointerp doctor --judge` makes it anew")
