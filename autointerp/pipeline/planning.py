"""What a run would ask, before anything is asked."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.explain import PROMPTS as EXPLAIN_PROMPTS
from autointerp.pipeline.certifying import RUNGS
from autointerp.pipeline.config import Config
from autointerp.pipeline.judges import check_model_names
from autointerp.pipeline.judging import scorers_of
from autointerp.pipeline.run import Run, run_directory

EXPLAIN_TOKENS = 700
"""Of a question that shows twenty windows and of its reply, roughly."""


@dataclass(frozen=True)
class Plan:
    """What a run would ask: calls and rough tokens by stage, before anything is spent."""

    calls: dict[str, int]
    tokens: dict[str, int]
    harvest_tokens: int
    dictionaries: list[str]
    note: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        n = len(self.dictionaries)
        lines = [f"harvest      {self.harvest_tokens:>12,} tokens of text, one pass for {n} dictionaries"]
        lines += [f"{s:12} {n:>12,} questions, about {self.tokens[s]:,} tokens" for s, n in self.calls.items()]
        return "\n".join([*lines, self.note])


def plan_run(config: Config, *, home: Path = Path()) -> Plan:
    """Return upper bounds: every drawn feature explained and scored, nothing cached. Dictionaries must exist."""
    check_model_names([config.score.judge, config.explain.model])
    run = Run(config, home, run_directory(home, config))
    folders, scorers = run.dictionary_paths, scorers_of(run)
    n = config.features.n_per_dictionary * len(folders)
    n_asking = sum(EXPLAIN_PROMPTS[name] is not None for name in config.explain.explainers)
    n_labels = len(config.explain.explainers) + config.score.n_shuffled + config.score.n_blank
    n_zoo = config.certify.n_features * len(RUNGS) * config.certify.n_items
    calls = {"explain": n * n_asking, "certify": n_zoo * len(scorers)}
    calls |= {scorer.name: n * n_labels * scorer.calls for scorer in scorers}
    tokens = {
        "explain": calls["explain"] * EXPLAIN_TOKENS,
        "certify": n_zoo * sum(scorer.tokens_a_call for scorer in scorers),
    }
    tokens |= {scorer.name: calls[scorer.name] * scorer.tokens_a_call for scorer in scorers}
    note = "upper bounds; a local model bills nothing, and no price is assumed for others. Nothing was asked."
    return Plan(calls, tokens, config.harvest.n_tokens, [f"{f.parent.name}/{f.name}" for f in folders], note)
