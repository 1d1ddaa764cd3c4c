"""The stages in their order: what a flow engine, or a plain loop, carries out."""

from collections.abc import Callable
from dataclasses import dataclass

from autointerp.pipeline import certifying, stages
from autointerp.pipeline.run import Run


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: which chunks are left to do, how one is done, what closes the stage."""

    name: str
    chunks: Callable[[Run], list[str]]
    do: Callable[[Run, str], None]
    finish: Callable[[Run], None] | None = None


STAGES = (
    Stage("harvest", stages.harvest_chunks, stages.harvest_chunk, stages.finish_harvest),
    Stage("evidence", stages.evidence_chunks, stages.evidence_chunk),
    Stage("certify", certifying.certify_chunks, certifying.certify_chunk),
    Stage("explain", stages.explain_chunks, stages.explain_chunk),
    Stage("score", stages.score_chunks, stages.score_chunk),
)


def stages_up_to(last: str) -> tuple[Stage, ...]:
    """Return the stages in order up to *last*; all of them when it is empty."""
    names = [stage.name for stage in STAGES]
    return STAGES[: names.index(last) + 1] if last else STAGES
