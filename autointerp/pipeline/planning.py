"""What a run would ask and cost, before anything is asked."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autointerp.core.protocols import LLM, Scorer, StepScorer
from autointerp.core.types import Digits, Question, Text, Wants, YesNo
from autointerp.explain import PROMPTS as EXPLAIN_PROMPTS
from autointerp.explain import STEP_EXPLAINERS
from autointerp.llm.planning import Estimate, at_most, estimate
from autointerp.llm.verbalised import n_tokens_for
from autointerp.pipeline.anchoring import anchor_chunks
from autointerp.pipeline.chunks import Chunk
from autointerp.pipeline.config import Config
from autointerp.pipeline.evidence import read_evidence
from autointerp.pipeline.explaining import explainers_of, step_explainers_of
from autointerp.pipeline.injecting import SCORER
from autointerp.pipeline.judges import check_model_names, opened_unasked
from autointerp.pipeline.judging import examined_of, pairs_for, scorers_of, step_scorers_of
from autointerp.pipeline.repeating import YES_NO
from autointerp.pipeline.run import Run, run_directory
from autointerp.pipeline.scoring import labels_to_test
from autointerp.pipeline.sections import ExplainSection
from autointerp.pipeline.status import finished_chunks
from autointerp.score.sequential import Sequential
from autointerp.store.parts import has_part

EXPLAIN_TOKENS = 700
"""Of a question that shows twenty windows and of its reply, roughly."""
LONGEST_ANSWERS: dict[str, Wants] = {"yes_no": YesNo(), "digits": Digits(64, "_", "", 9), "text": Text()}


@dataclass(frozen=True)
class Part:
    """A stage, or a scorer's part of one. ``is_bound``: counted before its prompts are known."""

    name: str
    estimate: Estimate
    is_bound: bool

    def as_dict(self) -> dict[str, Any]:
        e = self.estimate
        counts = {"questions": e.n_questions, "stored": e.n_stored, "calls": e.n_calls}
        return counts | {"is_bound": self.is_bound, "tokens_in": e.tokens_in, "tokens_out": e.tokens_out, "usd": e.usd}

    def text(self) -> str:
        return f"{self.name:12} {'at most ' if self.is_bound else ''}{self.estimate.text()}"


@dataclass(frozen=True)
class Plan:
    """What a run would ask: calls, tokens and price by stage, before anything is spent."""

    parts: tuple[Part, ...]
    harvest_tokens: int
    dictionaries: list[str]

    @property
    def usd(self) -> tuple[float, float, float] | None:
        """Low, expected and high of all parts; None where the price of one that asks is unknown."""
        asking = [part.estimate.usd for part in self.parts if part.estimate.n_calls]
        known = [usd for usd in asking if usd is not None]
        if len(known) < len(asking):
            return None
        low, expected, high = (sum(usd[case] for usd in known) for case in range(3))
        return low, expected, high

    def as_dict(self) -> dict[str, Any]:
        return {
            "calls": {part.name: part.estimate.n_calls for part in self.parts},
            "tokens": {part.name: part.estimate.tokens_in[1] + part.estimate.tokens_out[1] for part in self.parts},
            "parts": {part.name: part.as_dict() for part in self.parts},
            "usd": self.usd,
            "harvest_tokens": self.harvest_tokens,
            "dictionaries": self.dictionaries,
            "note": self.note,
        }

    @property
    def note(self) -> str:
        return "a local model bills nothing, an unknown price is not 0; nothing was asked"

    def text(self) -> str:
        n = len(self.dictionaries)
        first = f"harvest      {self.harvest_tokens:,} tokens of text, one pass for {n} dictionaries"
        whole = "unknown" if self.usd is None else "{1:.2f} USD [{0:.2f}, {2:.2f}]".format(*self.usd)
        return "\n".join([first, *(part.text() for part in self.parts), f"price        {whole}; {self.note}"])


def plan_run(config: Config, *, home: Path = Path()) -> Plan:
    """Return what is left to ask of a run, by its real prompts where its evidence stands.

    Until then upper bounds: every drawn feature explained and scored. Scoring is counted once the
    labels stand, for they are in its prompts. What the reply store holds costs nothing. Dictionaries
    must exist.
    """
    names = (config.explain.model, config.score.judge, config.score.writer or config.explain.model)
    check_model_names(names)
    run = Run(config, home, run_directory(home, config))
    with ExitStack() as stack:
        explainer, judge, writer = (stack.enter_context(opened_unasked(name, config, home=home)) for name in names)
        parts = [
            plan_explaining(run, explainer),
            *plan_choosing(run, judge),
            plan_certifying(run, judge),
            *plan_afresh(run, judge),
            *plan_scoring(run, judge),
            *plan_steps(run, judge, writer),
        ]
    named = [*(_short(s) for s in run.dictionary_sources), *(b.family for b in config.baselines)]
    return Plan(tuple(parts), config.harvest.n_tokens, named)


def _short(source: Path | str) -> str:
    """Return the end of a dictionary's path, or its name in the registry."""
    return source if isinstance(source, str) else f"{source.parent.name}/{source.name}"


def plan_explaining(run: Run, writer: LLM) -> Part:
    """Return what the explainers would ask."""
    section = run.config.explain
    if _has_evidence(run) and not step_explainers_of(run):
        return Part("explain", estimate(writer, _explain_questions(run)), is_bound=False)
    n = _most_features(run) * sum(n_written_by(name, section) for name in section.explainers)
    bound = at_most(writer, n, tokens_in=n * EXPLAIN_TOKENS, tokens_out=n * section.max_tokens)
    return Part("explain", bound, is_bound=True)


def plan_choosing(run: Run, judge: LLM) -> Iterator[Part]:
    """Yield what trying labels on the select side asks the judge, where an explainer does so."""
    section = run.config.explain
    steps = [name for name in section.explainers if name in STEP_EXPLAINERS]
    if steps:
        (scorer,) = scorers_of(run, [section.tries_by])
        n_tried = sum(section.n_candidates if name == "best_of" else 1 for name in steps)
        n = _most_features(run) * n_tried * scorer.calls
        bound = at_most(judge, n, tokens_in=n * scorer.tokens_a_call, tokens_out=n * _longest_answer(scorer))
        yield Part("choose", bound, is_bound=True)


def n_written_by(explainer: str, section: ExplainSection) -> int:
    """Return how often an explainer asks for a text about one feature, at most."""
    is_steps = explainer in STEP_EXPLAINERS
    if EXPLAIN_PROMPTS[section.starts_from if is_steps else explainer] is None:
        return int(explainer == "revise")
    return {"best_of": section.n_candidates, "revise": 2}.get(explainer, 1)


def plan_certifying(run: Run, judge: LLM) -> Part:
    """Return a bound of what the judge's examination would ask; nothing once its certificate stands."""
    section, scorers = run.config.certify, examined_of(run)
    is_done = has_part(run.directory, "certificates", run.config.score.judge)
    n = 0 if is_done else section.n_features * len(section.rungs) * section.n_items
    n_injected = 0 if is_done else section.n_features * section.n_items
    counts = [(scorer, n + n_injected * (scorer.name == SCORER)) for scorer in scorers]
    tokens_in = sum(count * scorer.tokens_a_call for scorer, count in counts)
    tokens_out = sum(count * _longest_answer(scorer) for scorer, count in counts)
    n_all = sum(count for _, count in counts)
    return Part("certify", at_most(judge, n_all, tokens_in=tokens_in, tokens_out=tokens_out), is_bound=True)


def plan_afresh(run: Run, judge: LLM) -> Iterator[Part]:
    """Yield bounds of what the judge is asked afresh: anchors, and the share of its questions asked twice."""
    (detection,) = scorers_of(run, ["detection"])
    n = run.config.anchors.n_items if anchor_chunks(run) else 0
    if n:
        yield Part("anchors", _afresh(judge, detection, n), is_bound=True)
    share = run.config.repeats.share
    for scorer in scorers_of(run) if share else ():
        if scorer.uses_label and YES_NO in scorer.needs:
            n_asked = _most_features(run) * len(run.config.explain.explainers) * scorer.calls
            yield Part(f"{scorer.name} again", _afresh(judge, scorer, math.ceil(n_asked * share)), is_bound=True)


def _afresh(judge: LLM, scorer: Scorer, n: int) -> Estimate:
    return at_most(judge, n, tokens_in=n * scorer.tokens_a_call, tokens_out=n * _longest_answer(scorer))


def plan_scoring(run: Run, judge: LLM) -> Iterator[Part]:
    """Yield what each scorer would ask."""
    are_known = _has_labels(run)
    for scorer in scorers_of(run):
        if are_known:
            yield Part(scorer.name, estimate(judge, _score_questions(run, scorer)), is_bound=False)
        else:
            yield Part(scorer.name, _most_scoring(run, scorer, judge), is_bound=True)


def plan_steps(run: Run, judge: LLM, writer: LLM) -> Iterator[Part]:
    """Yield bounds of what the scorers ask whose next question depends on an answer; an encoder is asked nothing."""
    for scorer in step_scorers_of(run, run.config.score.scorers):
        if "encoder" not in scorer.needs:
            asked = writer if "subject" in scorer.needs else judge
            yield Part(scorer.name, _most_scoring(run, scorer, asked), is_bound=True)


def _most_scoring(run: Run, scorer: Scorer | StepScorer, judge: LLM) -> Estimate:
    section = run.config.score
    n_labels = len(run.config.explain.explainers) + section.n_shuffled + section.n_blank if scorer.uses_label else 1
    n = _most_features(run) * n_labels * scorer.calls
    if isinstance(scorer, Sequential) and section.sequential_calls:
        n = min(n, section.sequential_calls * _most_chunks(run))
    return at_most(judge, n, tokens_in=n * scorer.tokens_a_call, tokens_out=n * _longest_answer(scorer))


def _most_features(run: Run) -> int:
    section = run.config.features
    return len(set(section.only)) or section.n_per_dictionary * run.n_dictionaries


def _most_chunks(run: Run) -> int:
    """Return how many chunks there are at most: the last of each dictionary may be short."""
    return _most_features(run) // run.config.features.chunk + run.n_dictionaries


def _longest_answer(scorer: Scorer | StepScorer) -> int:
    """Return the tokens of an answer in words, where no probabilities are had."""
    wanted = [LONGEST_ANSWERS[need] for need in scorer.needs if need in LONGEST_ANSWERS]
    return max((n_tokens_for(Question("", "", 1, wants)) for wants in wanted), default=0)


def _chunks(run: Run) -> list[Chunk]:
    """Return the chunks of the dictionaries whose evidence stands; the subject is not loaded to find them."""
    return run.once("chunks", lambda: finished_chunks(run.directory, run.config))


def _has_evidence(run: Run) -> bool:
    return len({chunk.dictionary for chunk in _chunks(run)}) == run.n_dictionaries


def _has_labels(run: Run) -> bool:
    return _has_evidence(run) and all(has_part(run.directory, "explanations", chunk.name) for chunk in _chunks(run))


def _explain_questions(run: Run) -> Iterator[Question]:
    for chunk in _chunks(run):
        for e in read_evidence(run, chunk):
            asked = (explainer.question(e) for explainer in explainers_of(run))
            yield from (question for question in asked if question is not None)


def _score_questions(run: Run, scorer: Scorer) -> Iterator[Question]:
    for chunk in _chunks(run):
        evidence = read_evidence(run, chunk)
        for e, labelled in pairs_for(scorer, labels_to_test(run, chunk, evidence), evidence):
            yield from scorer.questions(e, labelled)
