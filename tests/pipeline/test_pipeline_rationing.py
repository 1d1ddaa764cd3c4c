"""A ceiling of questions for many labels is kept, spent where it decides, and drops nobody."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_world import Script
from tiny_world import World

from autointerp.core.types import Question, Reply
from autointerp.pipeline.chunks import run_chunks
from autointerp.pipeline.driver import opened
from autointerp.pipeline.evidence import read_evidence
from autointerp.pipeline.judging import Pair, step_scorers_of
from autointerp.pipeline.planning import plan_run
from autointerp.pipeline.rationing import Said, next_round
from autointerp.pipeline.run import Run
from autointerp.pipeline.scoring import labels_to_test
from autointerp.score.sequential import Sequential
from autointerp.store.parts import read_table

CarryOut = Callable[..., Any]
SECTION = {"scorers": ["sequential"], "judge": "script:judge", "n_shuffled": 1, "n_blank": 1}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rationed")


@pytest.fixture(scope="module")
def scored(
    world: World,
    carry_out: CarryOut,
    script: Script,  # noqa: ARG001 (answers)
    home: Path,
) -> Callable[[int], Path]:
    """Return the folder of a run of ``sequential`` under a ceiling."""
    dictionaries = [str(world.ladder / "32")]

    def run(ceiling: int) -> Path:
        config = world.config(dictionaries=dictionaries, score=SECTION | {"sequential_calls": ceiling})
        folder: Path = carry_out(config, home).run
        return folder

    return run


@pytest.fixture(scope="module")
def run(
    world: World,
    carry_out: CarryOut,
    script: Script,  # noqa: ARG001 (answers)
    home: Path,
) -> Iterator[Run]:
    """A run whose labels stand, to ask about by hand."""
    config = world.config(name="by-hand", dictionaries=[str(world.ladder / "32")], score=SECTION)
    carry_out(config, home, last="explain")
    with opened(config, home=home) as one:
        yield one


@pytest.fixture(scope="module")
def labels(run: Run) -> list[Pair]:
    (chunk,) = run_chunks(run)
    return labels_to_test(run, chunk, read_evidence(run, chunk))


def answered(question: Question, *, fires: bool) -> Reply:
    row = (float(fires), float(not fires))
    return Reply(question.key, "test", "", (row,), "oracle", 1, 1, 0, 0.0, None)


def go_on(scorer: Sequential, labels: list[Pair], said: Said, *, n_calls: int) -> list[list[Any]]:
    """Return what is said after one more round by a judge who is always right."""
    after = [list(predictions) for predictions in said]
    for place, question in next_round(scorer, labels, said, n_calls=n_calls).items():
        assert question.about is not None
        assert question.about.window is not None
        reply = answered(question, fires=question.about.window.is_firing)
        after[place] += scorer.read(*labels[place], "test", question, reply)
    return after


@pytest.mark.parametrize("n_calls", [1, 10, 45, 10_000])
def test_the_ceiling_is_kept_and_used(run: Run, labels: list[Pair], n_calls: int) -> None:
    """Never more questions than allowed, and all of them while a label is open."""
    (scorer,) = step_scorers_of(run, ["sequential"])
    assert isinstance(scorer, Sequential)
    said: list[list[Any]] = [[] for _ in labels]
    while (after := go_on(scorer, labels, said, n_calls=n_calls)) != said:
        said = after
    most = sum(len(predictions) for predictions in said)
    is_all_asked = all(scorer.next_question(*pair, p) is None for pair, p in zip(labels, said, strict=True))
    assert most == n_calls or (most < n_calls and is_all_asked)


def test_the_nearest_to_a_decision_is_asked_first(run: Run, labels: list[Pair]) -> None:
    """Of the few questions that are left the label with answers gets one, those without any do not."""
    (scorer,) = step_scorers_of(run, ["sequential"])
    assert isinstance(scorer, Sequential)
    said: list[list[Any]] = [[] for _ in labels]
    for _ in range(4):
        said[-1:] = go_on(scorer, labels[-1:], said[-1:], n_calls=100)
    assert list(next_round(scorer, labels, said, n_calls=6)) == [len(labels) - 1]


def test_a_ceiling_out_of_reach_changes_nothing(
    scored: Callable[[int], Path], same_tables: Callable[[Path, Path], None]
) -> None:
    """The same questions to the same end as without one."""
    same_tables(scored(0), scored(100_000))


def test_labels_without_a_question_are_not_decided(scored: Callable[[int], Path]) -> None:
    """Every label keeps its rows: with answers an accuracy, without any the reason; none is missing."""
    free, scores = (read_table(scored(ceiling), "scores") for ceiling in (0, 20))
    assert len(read_table(scored(20), "predictions").query("scorer == 'sequential' and judge != 'lookup'")) == 20
    keys = ["feature", "explanation", "control", "draw", "metric"]
    assert Counter(scores[keys].itertuples(index=False)) == Counter(free[keys].itertuples(index=False))
    unasked = scores[scores["reason"].str.startswith("not asked")]
    assert len(unasked)
    assert set(unasked["status"]) == {"undecidable"}
    assert scores.loc[scores["n_read"] > 1, "value"].notna().any()


@pytest.mark.parametrize(("ceiling", "n_asked"), [(0, 3 * 3 * 18), (20, 20), (10_000, 3 * 3 * 18)])
def test_the_plan_knows_the_ceiling(world: World, script: Script, tmp_path: Path, ceiling: int, n_asked: int) -> None:
    """No more is announced than may be asked: three labels, real and not, of three features, or the ceiling."""
    score, n_before = SECTION | {"sequential_calls": ceiling}, script.asked.total()
    config = world.config(dictionaries=[str(world.ladder / "32")], score=score)
    assert plan_run(config, home=tmp_path).as_dict()["calls"]["sequential"] == n_asked
    assert script.asked.total() == n_before
