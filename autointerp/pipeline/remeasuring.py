"""A finished run's labels put to its judge once more, afresh, before anybody is woken."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from autointerp.core.errors import ConfigError
from autointerp.core.protocols import Scorer
from autointerp.core.types import Labelled
from autointerp.pipeline.adding import reopened
from autointerp.pipeline.asking import ask
from autointerp.pipeline.chunks import Chunk
from autointerp.pipeline.evidence import read_evidence
from autointerp.pipeline.judging import Item, grade_items, scorers_of
from autointerp.pipeline.run import OnProgress, Run, ignore_progress
from autointerp.pipeline.scoring import own_labels
from autointerp.pipeline.status import finished_chunks
from autointerp.store.convert import prediction_row, score_row

STAGE = "remeasure"


@dataclass(frozen=True)
class Remeasured:
    """What the judge said this time: rows as in the tables ``scores`` and ``predictions``, of ``scorers`` alone."""

    scorers: tuple[str, ...]
    scores: pd.DataFrame
    predictions: pd.DataFrame


def remeasure(
    folder: Path, scorers: Collection[str], *, repeat: str, on_progress: OnProgress = ignore_progress
) -> Remeasured:
    """Return the run's own labels under some of its scorers, asked again; under the run's ceiling, nothing written.

    Args:
        folder: A finished run, where it was made.
        scorers: Names; those that go by steps are left out.
        repeat: Makes the questions others; with the same one nothing is asked twice.
        on_progress: Told of every answer.

    Raises:
        ConfigError: None of the scorers asks all its questions at once, or the run cannot be taken up.
        AutointerpError: The judge cannot be asked.
    """
    with reopened(folder, on_progress=on_progress) as run:
        made = [scorer for scorer in scorers_of(run) if scorer.name in scorers and scorer.uses_label]
        if not made:
            msg = f"{', '.join(sorted(scorers))}: asked by steps, so the same questions cannot be put again"
            raise ConfigError(msg)
        items = [item for chunk in finished_chunks(folder, run.config) for item in _items(run, chunk, made)]
        judge = run.config.score.judge
        questions = [replace(q, repeat=repeat) for item in items for q in item.questions]
        graded = grade_items(items, ask(run, run.judge(judge), questions, stage=STAGE).replies, judge=judge)
    return Remeasured(
        tuple(scorer.name for scorer in made),
        pd.DataFrame([score_row(score) for _, scores in graded for score in scores]),
        pd.DataFrame([prediction_row(p) for predictions, _ in graded for p in predictions]),
    )


def _items(run: Run, chunk: Chunk, scorers: Sequence[Scorer]) -> Iterator[Item]:
    """Yield the chunk's own labels under the scorers."""
    evidence = {e.feature: e for e in read_evidence(run, chunk)}
    for label in own_labels(run, chunk):
        for scorer in scorers:
            e, labelled = evidence[label.feature], Labelled(label)
            yield Item(scorer, e, labelled, scorer.questions(e, labelled))
