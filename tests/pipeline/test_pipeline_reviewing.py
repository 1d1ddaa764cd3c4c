"""Review: an order nobody's answers change, answers that are neither lost nor duplicated, and nothing to see."""

from collections import Counter
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.types import FeatureId
from autointerp.pipeline.reviewing import (
    TURNS_A_CONTROL,
    WINDOWS_AT_ONCE,
    Candidate,
    Case,
    Command,
    Ledger,
    Passage,
    Said,
    cases_in_order,
    hold_session,
    ratings_of,
)

KEPT = {Command.YES, Command.NO, Command.UNSURE}


def labels(n_features: int = 12) -> list[Candidate]:
    """Two own labels and one foreign of each feature."""
    features = [FeatureId("d/1", index) for index in range(n_features)]
    own = [Candidate(f, f"own{i} {f}", "a", "none") for f in features for i in range(2)]
    return own + [Candidate(f, f"other {f}", "b", "shuffled") for f in features]


def windows(feature: FeatureId) -> list[Passage]:
    return [Passage(f"{feature.index}:{start}", "text") for start in range(7)]


CASES = list(cases_in_order(labels(), windows, seed=0))


def test_every_window_once() -> None:
    """Every window of every own label has its turn, once; so have some of the foreign labels'."""
    assert max(Counter(case.key for case in CASES).values()) == 1
    own = {case.key for case in CASES if case.label.control == "none"}
    assert own == {(c.explanation, w.item) for c in labels() if c.control == "none" for w in windows(c.feature)}
    assert any(case.label.control == "shuffled" for case in CASES)


def test_the_order_is_keyed() -> None:
    """The same order in whatever order labels and windows stand on the disk, another with another seed."""
    assert list(cases_in_order(labels()[::-1], lambda f: windows(f)[::-1], seed=0)) == CASES
    assert list(cases_in_order(labels(), windows, seed=1)) != CASES


@pytest.mark.parametrize("seed", range(20))
def test_every_session_has_a_control(seed: int) -> None:
    """Whoever always says yes is found out within two blocks of labels, a feature never twice in a row."""
    first = list(islice(cases_in_order(labels(), windows, seed=seed), 2 * TURNS_A_CONTROL * WINDOWS_AT_ONCE))
    shown = list(dict.fromkeys(case.label for case in first))
    assert [label.control for label in shown].count("shuffled") == 2
    assert [label.control for label in shown[:TURNS_A_CONTROL]].count("shuffled") == 1
    assert len({label.feature for label in shown}) == len(shown)


def hold(folder: Path, cases: list[Case], commands: list[Command]) -> list[int]:
    """Hold a session in which these commands are given, then quit; return the places shown."""
    said, shown = iter(commands), []

    def ask(place: int) -> Said:
        shown.append(place)
        return Said(next(said, Command.QUIT), 1.0)

    hold_session(cases, ask=ask, keep=Ledger(folder, "ada").keep)
    return shown


def expected(cases: list[Case], commands: list[Command]) -> list[tuple[str, str]]:
    """Return (item, answer) as a reader of the commands would write them down."""
    place, found = 0, []
    for command in commands:
        if command is Command.QUIT or place == len(cases):
            break
        if command in KEPT:
            found.append((cases[place].window.item, command.value))
        place = max(place - 1, 0) if command is Command.BACK else place + 1
    return found


@given(st.lists(st.lists(st.sampled_from(list(Command)), max_size=8), max_size=3))
def test_nothing_is_lost_or_duplicated(sessions: list[list[Command]]) -> None:
    """Whatever is said in whatever sessions: every answer stands on disk once, in order, and all earlier ones too.

    The places shown follow from forward and back alone: no answer changes what comes next.
    """
    with TemporaryDirectory() as name:
        wanted = Counter[tuple[str, str]]()
        for commands in sessions:
            shown = hold(Path(name), CASES[:5], commands)
            plain = hold(Path(name) / "other", CASES[:5], [Command.YES if c in KEPT else c for c in commands])
            assert shown == plain
            wanted.update(expected(CASES[:5], commands))
            kept = ratings_of(Path(name), "ada")
            assert Counter(zip(kept["item"], kept["answer"], strict=True)) == wanted


def test_a_kill_loses_at_most_the_answer_in_hand(tmp_path: Path) -> None:
    """Each answer is on the disk before the next window is shown."""
    on_disk = []

    def ask(_place: int) -> Said:
        on_disk.append(len(ratings_of(tmp_path, "ada")))
        return Said(Command.YES, 1.0)

    hold_session(CASES[:4], ask=ask, keep=Ledger(tmp_path, "ada").keep)
    assert on_disk == [0, 1, 2, 3]
    assert not len(ratings_of(tmp_path, "bo"))
