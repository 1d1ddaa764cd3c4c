"""The stage ``anchors``: known-truth questions put to the judge afresh in every evaluation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autointerp.core.types import Failure, Reply
from autointerp.pipeline.asking import ask
from autointerp.pipeline.certifying import load_zoo
from autointerp.pipeline.run import Run
from autointerp.score.detection import Detection
from autointerp.store.parts import has_part, write_part
from autointerp.trust.anchors import Anchor, anchors_of

STAGE = "anchors"


def evaluation_of(run: Run) -> str:
    """Return the evaluation's id: a question that carries it is asked once in this run, and again in every other."""
    return run.directory.name


def anchor_chunks(run: Run) -> list[str]:
    """Return the judge, while its anchors are to be asked."""
    judge = run.config.score.judge
    wanted = bool(run.config.anchors.n_items) and not has_part(run.directory, "anchors", judge)
    return [judge] if wanted else []


def anchor_chunk(run: Run, judge: str) -> None:
    """Ask the judge every anchor and keep what it said."""
    anchors, evaluation = drawn_anchors(run), evaluation_of(run)
    scorer = anchor_scorer(run)
    asked = ask(run, run.judge(judge), [replace(a.question, repeat=evaluation) for a in anchors], stage=STAGE)
    rows = [
        _row(evaluation, judge, scorer, anchor, reply) for anchor, reply in zip(anchors, asked.replies, strict=True)
    ]
    write_part(run.directory, "failures", f"{STAGE}-{judge}", asked.failures)
    write_part(run.directory, "anchors", judge, rows)


def anchor_scorer(run: Run) -> Detection:
    """Return who asks and reads: detection, one text a question, whatever scorers the run has."""
    return Detection(run.prompts["detection"], replace(run.score_settings, min_available=1))


def drawn_anchors(run: Run) -> Sequence[Anchor]:
    """Return the anchors of the run's configuration."""
    return anchors_of(load_zoo(), anchor_scorer(run), run.config.anchors.n_items)


def _row(evaluation: str, judge: str, scorer: Detection, anchor: Anchor, reply: Reply | Failure) -> dict[str, Any]:
    (prediction,) = scorer.read(anchor.evidence, anchor.labelled, judge, anchor.question, reply)
    answered = reply if isinstance(reply, Reply) else None
    return {
        "evaluation": evaluation,
        "judge": judge,
        "anchor": anchor.key,
        "item": f"{anchor.labelled.explanation.feature} {prediction.item}",
        "truth": prediction.truth,
        "guess": prediction.guess,
        "kind": prediction.kind,
        "reason": prediction.reason.value,
        "model": answered.model if answered else None,
        "fingerprint": answered.fingerprint if answered else None,
    }
