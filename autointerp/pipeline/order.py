"""The main path: harvest, evidence, certify, anchors, explain, score, repeats.

Each stage reads what the earlier ones wrote. Every stage is a list of chunks; a chunk writes its parts and is skipped
when they stand. So resuming is running again, and a flow engine needs to know nothing but ``chunks`` and ``do``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from autointerp.pipeline import anchoring, certifying, evidence, explaining, harvesting, repeating, scoring
from autointerp.pipeline.readiness import make_ready
from autointerp.pipeline.run import Run


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: which chunks are left to do, how one is done, what closes the stage.

    ``begin`` and ``finish`` are for whoever carries out the run, alone; workers ask for ``chunks`` and ``do`` them.
    """

    name: str
    chunks: Callable[[Run], list[str]]
    do: Callable[[Run, str], None]
    finish: Callable[[Run], None] | None = None
    begin: Callable[[Run], None] | None = None


STAGES = (
    Stage(
        "harvest",
        harvesting.harvest_chunks,
        harvesting.harvest_chunk,
        harvesting.finish_harvest,
        harvesting.begin_harvest,
    ),
    Stage("evidence", evidence.evidence_chunks, evidence.evidence_chunk),
    Stage("certify", certifying.certify_chunks, certifying.certify_chunk),
    Stage("anchors", anchoring.anchor_chunks, anchoring.anchor_chunk),
    Stage("explain", explaining.explain_chunks, explaining.explain_chunk),
    Stage("score", scoring.score_chunks, scoring.score_chunk),
    Stage("repeats", repeating.repeat_chunks, repeating.repeat_chunk),
)


def stages_up_to(last: str) -> tuple[Stage, ...]:
    """Return the stages in order up to *last*; all of them when it is empty."""
    names = [stage.name for stage in STAGES]
    return STAGES[: names.index(last) + 1] if last else STAGES


def carry_out_stages(run: Run, last: str) -> None:
    """Carry out the stages up to *last* (all if empty), one chunk after the other."""
    make_ready(run, last)
    for stage in stages_up_to(last):
        with run.timed(stage.name):
            if stage.begin:
                stage.begin(run)
            for chunk in stage.chunks(run):
                stage.do(run, chunk)
            if stage.finish:
                stage.finish(run)
