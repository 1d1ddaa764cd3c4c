"""The stage ``repeats``: a share of the judge's questions asked a second time, to see how many answers turn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autointerp.core.draws import uniform
from autointerp.core.types import Evidence, Labelled, Question
from autointerp.pipeline.anchoring import evaluation_of
from autointerp.pipeline.asking import ask
from autointerp.pipeline.chunks import chunk_named, chunks_without
from autointerp.pipeline.evidence import read_evidence
from autointerp.pipeline.judging import Item, grade_items, scorers_of
from autointerp.pipeline.run import Run
from autointerp.pipeline.scoring import own_labels
from autointerp.store.convert import prediction_row, rows_of
from autointerp.store.parts import read_part, write_part

STAGE = "repeats"
YES_NO = "yes_no"
"""What a scorer must ask for: of a strength there is no telling whether it turned."""
NAMES = ("dictionary", "feature", "explanation", "scorer", "variant", "judge", "item")


def repeat_chunks(run: Run) -> list[str]:
    """Return the chunks of which a share is to be asked again; none without a share."""
    return chunks_without(run, "repeats") if run.config.repeats.share else []


def repeat_chunk(run: Run, chunk: str) -> None:
    """Ask the chunk's share of questions a second time and keep both answers side by side.

    Of the labels' own, by the scorers that ask for yes or no, all at once; what goes by steps would ask something else.
    """
    judge, evaluation = run.config.score.judge, evaluation_of(run)
    items = [item for item in _items(run, chunk) if item.questions]
    again = [replace(q, repeat=evaluation) for item in items for q in item.questions]
    asked = ask(run, run.judge(judge), again, stage=STAGE)
    graded = grade_items(items, asked.replies, judge=judge)
    rows = [prediction_row(prediction) for predictions, _ in graded for prediction in predictions]
    stored = read_part(run.directory, "predictions", chunk, filters=[("control", "==", "none")])
    first = {_name(row): row["guess"] for row in rows_of(stored)}
    write_part(run.directory, "failures", f"{STAGE}-{chunk}", asked.failures)
    write_part(run.directory, "repeats", chunk, [_beside(row, first, evaluation) for row in rows])


def _items(run: Run, chunk: str) -> Iterator[Item]:
    """Yield each label under each scorer with its keyed share of questions."""
    mine = chunk_named(run, chunk)
    evidence = {e.feature: e for e in read_evidence(run, mine)}
    pairs = [(evidence[label.feature], Labelled(label)) for label in own_labels(run, mine)]
    for scorer in scorers_of(run):
        for e, labelled in pairs if scorer.uses_label and YES_NO in scorer.needs else ():
            yield Item(scorer, e, labelled, _share(run, scorer.questions(e, labelled), e))


def _share(run: Run, questions: Sequence[Question], evidence: Evidence) -> list[Question]:
    share, seed = run.config.repeats.share, run.config.seed
    return [q for q in questions if uniform(seed, STAGE, str(evidence.feature), q.key) < share]


def _name(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in NAMES)


def _beside(row: Mapping[str, Any], first: Mapping[tuple[Any, ...], Any], evaluation: str) -> dict[str, Any]:
    """Return the row of ``repeats``: what was answered at first, and what again."""
    kept = {name: row[name] for name in (*NAMES, "truth", "kind", "reason")}
    return kept | {"evaluation": evaluation, "first": first.get(_name(row)), "again": row["guess"]}
