"""A webhook told of a gate's verdict: once for each change of state, never with text of a corpus."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import StoreError
from autointerp.store.files import write_whole

VARIABLE = "AUTOINTERP_WEBHOOK"
"""Holds the address, which is a secret: it stands in no file and no message."""
STATES = "notified.json"
TIMEOUT_S = 10.0
LONGEST_LABEL = 80
CALM = "pass"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a webhook is told. ``watch``: what is watched, of which only changes are told; ``state``: what it is in.

    ``problems``: rules that did not pass, in words about measures; ``labels``: of the features they name, clipped.
    """

    watch: str
    state: str
    run: str
    baseline: str
    verdict: str
    problems: Sequence[str]
    labels: Mapping[str, str]

    def payload(self, before: str) -> dict[str, Any]:
        """Return the JSON that is sent; ``text`` is what chat programs show."""
        text = f"autointerp {self.verdict}: {self.run} against {self.baseline}"
        clipped = {name: clip(label) for name, label in self.labels.items()}
        return asdict(self) | {"text": "\n".join([text, *self.problems]), "before": before, "labels": clipped}


def clip(label: str) -> str:
    """Return the label on one line, at most 80 characters long, without what is not drawn.

    >>> clip("a\\nb")
    'a b'
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in label).split())
    return line if len(line) <= LONGEST_LABEL else line[: LONGEST_LABEL - 1] + "…"


def notify(home: Path, notice: Notice) -> str:
    """Send the notice if its state is other than the one last told, and return what became of it, in words.

    "" where no address is set. A state that could not be told is told the next time; nothing is raised. What
    was never told of counts as passing.
    """
    url = os.environ.get(VARIABLE, "")
    if not url:
        return ""
    states = _states(home)
    before = states.get(notice.watch, CALM)
    if before == notice.state:
        return "webhook: nothing new, so nothing was sent"
    if problem := _send(url, notice.payload(before)):
        return f"webhook: NOT sent ({problem}); the next verdict tries again"
    return _keep(home, states | {notice.watch: notice.state})


def _send(url: str, payload: Mapping[str, Any]) -> str:
    """Return why it could not be sent, "" where it was; the address is in no message."""
    if not url.startswith(("http://", "https://")):
        return f"{VARIABLE} is no http address"
    content = json.dumps(payload, ensure_ascii=False).encode()
    try:
        request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
            return "" if reply.status < 300 else f"status {reply.status}"
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except (OSError, ValueError) as error:
        return type(error).__name__


def _states(home: Path) -> dict[str, str]:
    try:
        found = json.loads((home / STATES).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(name): str(state) for name, state in found.items()} if isinstance(found, dict) else {}


def _keep(home: Path, states: Mapping[str, str]) -> str:
    content = json.dumps(states, indent=1).encode()
    try:
        write_whole(home / STATES, lambda file: file.write(content))
    except StoreError as error:
        return f"webhook: told, and will be told again: {error}"
    return "webhook: told"
