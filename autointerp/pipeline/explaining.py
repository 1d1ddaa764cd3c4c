"""The explain stage: a label for every drawn feature, and the labels that deserve no credit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autointerp.core.protocols import Explainer, StepExplainer
from autointerp.core.types import Evidence, Explanation, Failure, Reply
from autointerp.explain import EXPLAINERS, PROMPTS, STEP_EXPLAINERS, STEP_PROMPTS
from autointerp.pipeline.asking import ask
from autointerp.pipeline.chunks import chunk_named, chunks_without
from autointerp.pipeline.evidence import read_evidence
from autointerp.pipeline.judging import scorers_of, without_label
from autointerp.pipeline.run import Run
from autointerp.pipeline.stepping import Models, drive
from autointerp.score.lookup import lookup_label
from autointerp.store.convert import Row, explanation_row, failure_row
from autointerp.store.parts import write_part
from autointerp.trust.controls import blank_explanation


def explain_chunks(run: Run) -> list[str]:
    """Return the chunks whose labels are still to be written."""
    return chunks_without(run, "explanations")


def explainers_of(run: Run) -> list[Explainer]:
    """Return the configured explainers that ask once at most."""
    return [_asking(run, name) for name in run.config.explain.explainers if name in EXPLAINERS]


def step_explainers_of(run: Run) -> list[StepExplainer]:
    """Return the configured explainers that go by steps."""
    return [_stepping(run, name) for name in run.config.explain.explainers if name in STEP_EXPLAINERS]


def names_of_explainers(run: Run) -> list[str]:
    """Return the names under which the configured explainers sign; the controls imitate the first."""
    names = run.config.explain.explainers
    return [(_asking(run, name) if name in EXPLAINERS else _stepping(run, name)).name for name in names]


def _asking(run: Run, name: str) -> Explainer:
    prompt = PROMPTS[name]
    return EXPLAINERS[name](run.prompts[prompt] if prompt else None, run.explain_settings)


def _stepping(run: Run, name: str) -> StepExplainer:
    section, prompt = run.config.explain, STEP_PROMPTS[name]
    (scorer,) = scorers_of(run, [section.tries_by])
    start = _asking(run, section.starts_from)
    return STEP_EXPLAINERS[name](start, scorer, run.prompts[prompt] if prompt else None, run.explain_settings)


@dataclass(frozen=True)
class _Written:
    """What explainers gave, and rows of what was lost on the way."""

    outcomes: list[Explanation | Failure]
    failures: list[Row]


def explain_chunk(run: Run, chunk: str) -> None:
    """Write the labels of a chunk's features, and the controls' labels."""
    evidence = read_evidence(run, chunk_named(run, chunk))
    written = [_write_at_once(run, evidence), *(_write_by_steps(run, s, evidence) for s in step_explainers_of(run))]
    outcomes = [outcome for part in written for outcome in part.outcomes]
    labels = [outcome for outcome in outcomes if isinstance(outcome, Explanation)]
    failures = [failure_row(outcome) for outcome in outcomes if isinstance(outcome, Failure)]
    failures += [row for part in written for row in part.failures]
    write_part(run.directory, "failures", f"explain-{chunk}", failures)
    rows = [explanation_row(label) for label in [*labels, *_control_labels(run, evidence)]]
    write_part(run.directory, "explanations", chunk, rows)


def _write_at_once(run: Run, evidence: Sequence[Evidence]) -> _Written:
    """Put the questions of the explainers that ask once."""
    pairs = [(explainer, e, explainer.question(e)) for explainer in explainers_of(run) for e in evidence]
    questions = [question for _, _, question in pairs if question is not None]
    asked = ask(run, run.judge(run.config.explain.model), questions, stage="explain")
    replies = iter(asked.replies)
    outcomes = [
        _read(explainer, e, next(replies) if question is not None else None) for explainer, e, question in pairs
    ]
    return _Written(outcomes, [])


def _write_by_steps(run: Run, explainer: StepExplainer, evidence: Sequence[Evidence]) -> _Written:
    """Carry out one explainer that asks again, or tries its labels."""
    driven = drive(run, [explainer.steps(e) for e in evidence], models=Models.of(run), stage="explain")
    outcomes = [
        _about(result, e) if isinstance(result, Failure) else result
        for result, e in zip(driven.results, evidence, strict=True)
    ]
    # What became of a feature stands in its outcome; besides it, a candidate may be lost or an item unread.
    final = [result for result in driven.results if isinstance(result, Failure)]
    lost = [failure_row(failure) for failure in driven.failures if failure not in final]
    return _Written(outcomes, lost)


def _read(explainer: Explainer, evidence: Evidence, reply: Reply | Failure | None) -> Explanation | Failure:
    return _about(reply, evidence) if isinstance(reply, Failure) else explainer.read(evidence, reply)


def _about(failure: Failure, evidence: Evidence) -> Failure:
    """Return the failure by its feature, not by its question: scoring says of every feature why it has no label."""
    return replace(failure, about=str(evidence.feature))


def _control_labels(run: Run, evidence: Sequence[Evidence]) -> list[Explanation]:
    """Return what stands in a label's place, of every feature; shuffled ones are other features' own."""
    blank = [blank_explanation(e.feature) for e in evidence] if run.config.score.n_blank else []
    rest = [(lookup_label(e), without_label(e.feature)) for e in evidence]
    return blank + [labelled.explanation for pair in rest for labelled in pair]
