"""What a run would ask and cost, before anything is asked."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autointerp.core.protocols import LLM, Scorer
from autointerp.core.types import Digits, Question, Text, Wants, YesNo
from autointerp.explain import PROMPTS as EXPLAIN_PROMPTS
from autointerp.llm.planning import Estimate, at_most, estimate
from autointerp.llm.verbalised import n_tokens_for
from autointerp.pipeline.certifying import RUNGS
from autointerp.pipeline.config import Config
from autointerp.pipeline.evidence import read_evidence
from autointerp.pipeline.explaining import explainers_of
from autointerp.pipeline.judges import check_model_names, open_for_plan
from autointerp.pipeline.judging import scorers_of
from autointerp.pipeline.run import Run, run_directory
from autointerp.pipeline.scoring import labels_to_test
from autointerp.pipeline.status import finished_chunks
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
    check_model_names([config.score.judge, config.explain.model])
    run = Run(config, home, run_directory(home, config))
    with ExitStack() as stack:
        models = {}
        for name in {config.explain.model, config.score.judge}:
            models[name] = stack.enter_context(opened_for_plan(name, run))
        writer, judge = models[config.explain.model], models[config.score.judge]
        parts = [plan_explaining(run, writer), plan_certifying(run, judge), *plan_scoring(run, judge)]
    folders = run.dictionary_paths
    return Plan(tuple(parts), config.harvest.n_tokens, [f"{f.parent.name}/{f.name}" for f in folders])
