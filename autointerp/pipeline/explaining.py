"""The explain stage: a label for every drawn feature, and the labels that deserve no credit."""

from collections.abc import Sequence
from dataclasses import replace

from autointerp.core.protocols import Explainer
from autointerp.core.types import Evidence, Explanation, Failure, Reply
from autointerp.explain import EXPLAINERS, PROMPTS
from autointerp.pipeline.asking import ask
from autointerp.pipeline.chunks import chunk_named, chunks_without
from autointerp.pipeline.evidence import read_evidence
from autointerp.pipeline.run import Run
from autointerp.score.lookup import lookup_label
from autointerp.store.convert import explanation_row, failure_row
from autointerp.store.parts import write_part
from autointerp.trust.controls import blank_explanation


def explain_chunks(run: Run) -> list[str]:
    """Return the chunks whose labels are still to be written."""
    return chunks_without(run, "explanations")


def explainers_of(run: Run) -> list[Explainer]:
    """Return the configured explainers, the first of which the controls imitate."""
    made = []
    for name in run.config.explain.explainers:
        prompt = PROMPTS[name]
        made.append(EXPLAINERS[name](run.prompts[prompt] if prompt else None, run.explain_settings))
    return made


def explain_chunk(run: Run, chunk: str) -> None:
    """Write the labels of a chunk's features, and the controls' labels."""
    evidence = read_evidence(run, chunk_named(run, chunk))
    pairs = [(explainer, e, explainer.question(e)) for explainer in explainers_of(run) for e in evidence]
    questions = [question for _, _, question in pairs if question is not None]
    asked = ask(run, run.judge(run.config.explain.model), questions, stage="explain")
    replies = iter(asked.replies)
    outcomes = [
        _read(explainer, e, next(replies) if question is not None else None) for explainer, e, question in pairs
    ]
    labels = [outcome for outcome in outcomes if isinstance(outcome, Explanation)]
    failures = [failure_row(outcome) for outcome in outcomes if isinstance(outcome, Failure)]
    write_part(run.directory, "failures", f"explain-{chunk}", failures)
    write_part(run.directory, "calls", f"explain-{chunk}", asked.calls)
    rows = [explanation_row(label) for label in [*labels, *_control_labels(run, evidence)]]
    write_part(run.directory, "explanations", chunk, rows)


def _read(explainer: Explainer, evidence: Evidence, reply: Reply | Failure | None) -> Explanation | Failure:
    if isinstance(reply, Failure):
        # By its feature, not by its question: scoring says of every feature why it has no label.
        return replace(reply, about=str(evidence.feature))
    return explainer.read(evidence, reply)


def _control_labels(run: Run, evidence: Sequence[Evidence]) -> list[Explanation]:
    """Return the blank and look-up labels of every feature; shuffled ones are other features' own."""
    blank = [blank_explanation(e.feature) for e in evidence] if run.config.score.n_blank else []
    return blank + [lookup_label(e).explanation for e in evidence]
