"""Labels put to a person: which windows, in which order, and the answers kept; nothing here knows what fires."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

from autointerp.core.draws import draw, draw_key
from autointerp.core.errors import ConfigError
from autointerp.core.types import FeatureId
from autointerp.store.convert import rows_of
from autointerp.store.parts import read_table, write_part

WINDOWS_AT_ONCE = 5
"""So many windows of one label come one after the other: reading a label costs more than reading a window."""

TURNS_A_CONTROL = 4
"""One of so many labels is another feature's, at a keyed place, so that 20 windows find out who always says yes."""

CONTROL = "control:shuffled"
PASSAGE_COLUMNS = ("doc", "start", "tokens")
"""What is read of a window. Activations and weights are left on the disk: what is not read cannot be shown."""

RATED_SCORERS = ("detection", "fuzzing")


class Command(StrEnum):
    """What a person can say to a window; the first three are kept."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    BACK = "back"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label to be rated; ``control`` is ``none``, or ``shuffled`` for another feature's label."""

    feature: FeatureId
    explanation: str
    text: str
    control: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A held-out window as text, and its name in predictions."""

    item: str
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """One window beside one label."""

    label: Candidate
    window: Passage

    @property
    def key(self) -> tuple[str, str]:
        return self.label.explanation, self.window.item


@dataclass(frozen=True, slots=True)
class Said:
    """What was said to a case, and after how many seconds."""

    command: Command
    seconds: float


# ---- which windows, in which order


def cases_in_order(
    labels: Sequence[Candidate], passages_of: Callable[[FeatureId], Sequence[Passage]], *, seed: int
) -> Iterator[Case]:
    """Yield every window of every label once, the same for all raters, whatever they answer.

    Features come in keyed order, a label each, ``WINDOWS_AT_ONCE`` windows a label; then their next labels;
    then the next windows.
    """
    turns = _turns(labels, seed)
    for batch in count():
        is_empty = True
        for label in turns:
            windows = _drawn(passages_of(label.feature), label, seed)
            for window in windows[batch * WINDOWS_AT_ONCE : (batch + 1) * WINDOWS_AT_ONCE]:
                is_empty = False
                yield Case(label, window)
        if is_empty:
            return


def _turns(labels: Sequence[Candidate], seed: int) -> list[Candidate]:
    """Return the labels in the order of their turns: one of each feature, then the next of each.

    Every own label has its turn; other features' labels stand among them, and those left over have none.
    """
    own, foreign = _by_feature(labels, seed, is_own=True), _by_feature(labels, seed, is_own=False)
    features = draw(own, len(own), seed=seed, key=lambda feature: ("review feature", str(feature)))
    turns: list[Candidate] = []
    owed = 0
    while any(own.values()):
        for feature in filter(own.get, features):
            owed += _is_for_control(len(turns), seed)
            is_foreign = owed > 0 and bool(foreign[feature])
            owed -= is_foreign
            turns.append((foreign if is_foreign else own)[feature].pop(0))
    return turns


def _by_feature(labels: Sequence[Candidate], seed: int, *, is_own: bool) -> defaultdict[FeatureId, list[Candidate]]:
    """Return each feature's own labels, or those of others in its name, in keyed order."""
    chosen = [label for label in labels if (label.control == "none") is is_own]
    found: defaultdict[FeatureId, list[Candidate]] = defaultdict(list)
    for label in draw(chosen, len(chosen), seed=seed, key=lambda label: ("review label", label.explanation)):
        found[label.feature].append(label)
    return found


def _is_for_control(place: int, seed: int) -> bool:
    """Return whether another feature's label is due at this turn."""
    block, within = divmod(place, TURNS_A_CONTROL)
    return draw_key(seed, "review control", block) % TURNS_A_CONTROL == within


def _drawn(windows: Sequence[Passage], label: Candidate, seed: int) -> list[Passage]:
    """Return all windows in keyed order: firing and silent ones as they fall."""
    return draw(windows, len(windows), seed=seed, key=lambda w: ("review window", label.explanation, w.item))


def cases_left(folder: Path, *, rater: str, seed: int, n: int) -> list[Case]:
    """Return the next *n* cases of a run that the rater has not answered, fewer where there are no more.

    Raises:
        ConfigError: The run has no labels or no held-out windows yet.
    """
    labels = candidates(folder)
    if not labels:
        msg = f"{folder.name}: no labels to review yet; make them with `autointerp explain` or `autointerp run`"
        raise ConfigError(msg)
    done = {(row["explanation"], row["item"]) for row in rows_of(ratings_of(folder, rater))}
    cases = cases_in_order(labels, cache(lambda feature: passages(folder, feature)), seed=seed)
    left = list(islice((case for case in cases if case.key not in done), n))
    if not left and not done:
        msg = f"{folder.name}: its labels have no held-out windows; run it again with the command that began it"
        raise ConfigError(msg)
    return left


def candidates(folder: Path) -> list[Candidate]:
    """Return the run's labels, and the other features' labels that stood in for them."""
    frame = read_table(folder, "explanations", columns=["explanation", "dictionary", "feature", "text", "explainer"])
    is_own = ~frame["explainer"].str.startswith("control:")
    asked = frame[is_own | (frame["explainer"] == CONTROL)].drop_duplicates("explanation")
    return [_candidate(row) for row in rows_of(asked)]


def _candidate(row: dict[str, Any]) -> Candidate:
    feature = FeatureId(row["dictionary"], int(row["feature"]))
    control = "shuffled" if row["explainer"] == CONTROL else "none"
    return Candidate(feature, row["explanation"], row["text"], control)


def passages(folder: Path, feature: FeatureId) -> tuple[Passage, ...]:
    """Return the held-out windows of a feature that judges are asked about, each once."""
    of_feature = [("dictionary", "==", feature.dictionary), ("feature", "==", feature.index)]
    judged = [("side", "==", "held_out"), ("stratum", "!=", "neighbour")]
    frame = read_table(folder, "evidence", columns=PASSAGE_COLUMNS, filters=[*of_feature, *judged])
    found = {f"{row['doc']}:{row['start']}": "".join(row["tokens"]) for row in rows_of(frame)}
    return tuple(Passage(item, text) for item, text in found.items())


# ---- the session


def hold_session(cases: Sequence[Case], *, ask: Callable[[int], Said], keep: Callable[[Case, Said], None]) -> int:
    """Ask for each case in turn and keep what is said before the next; return how many answers were kept.

    Back shows the case before once more; its new answer is kept beside the old one, and the last stands.
    """
    place = n_kept = 0
    while place < len(cases):
        said = ask(place)
        if said.command is Command.QUIT:
            break
        if said.command is Command.BACK:
            place = max(place - 1, 0)
            continue
        keep(cases[place], said)
        place, n_kept = place + 1, n_kept + 1
    return n_kept


@dataclass
class Ledger:
    """One session's answers on disk: a part of its own, which only grows and which no other session touches."""

    folder: Path
    rater: str
    part: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}")
    rows: tuple[dict[str, Any], ...] = ()

    def keep(self, case: Case, said: Said) -> None:
        """Write the answer; it is on the disk when this returns."""
        rows = (*self.rows, self._row(case, said))
        write_part(self.folder, "ratings", self.part, rows)
        self.rows = rows

    def _row(self, case: Case, said: Said) -> dict[str, Any]:
        label = case.label
        return {
            "rater": self.rater,
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "dictionary": label.feature.dictionary,
            "feature": label.feature.index,
            "explanation": label.explanation,
            "control": label.control,
            "item": case.window.item,
            "answer": said.command.value,
            "seconds": round(said.seconds, 3),
        }


def ratings_of(folder: Path, rater: str) -> pd.DataFrame:
    """Return every answer the rater has given in this run."""
    return read_table(folder, "ratings", filters=[("rater", "==", rater)])


def rated_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return what the agreement of people is computed from: ratings, held-out windows, answers of judges."""
    return {
        "ratings": read_table(folder, "ratings"),
        "evidence": read_table(folder, "evidence", filters=[("side", "==", "held_out")]),
        "predictions": read_table(folder, "predictions", filters=[("scorer", "in", RATED_SCORERS)]),
    }
