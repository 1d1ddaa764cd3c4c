"""Scorers, by name: those that ask all their questions at once, and those that go by steps."""

from collections.abc import Callable, Mapping

from autointerp.core.protocols import Scorer, StepScorer
from autointerp.core.types import Prompt
from autointerp.score.contrastive import Contrastive
from autointerp.score.detection import Detection
from autointerp.score.embedding import Embedding
from autointerp.score.fuzzing import Fuzzing
from autointerp.score.intruder import Intruder
from autointerp.score.logits import Logits
from autointerp.score.purity import Purity
from autointerp.score.sensitivity import Sensitivity
from autointerp.score.sequential import Sequential
from autointerp.score.settings import ScoreSettings
from autointerp.score.simulation import Simulation
from autointerp.score.simulation_json import SimulationJson
from autointerp.score.sorting import Sort
from autointerp.score.spearman import Spearman
from autointerp.score.specificity import Specificity

Factory = Callable[[Prompt | None, ScoreSettings], Scorer]
StepFactory = Callable[[Prompt | None, ScoreSettings], StepScorer]


def asking(scorer: Callable[[Prompt, ScoreSettings], Scorer]) -> Factory:
    """Return the factory of a scorer that cannot do without its prompt."""

    def make(prompt: Prompt | None, settings: ScoreSettings) -> Scorer:
        assert prompt is not None, "this scorer needs its prompt"
        return scorer(prompt, settings)

    return make


SCORERS: Mapping[str, Factory] = {
    "simulation": asking(Simulation),
    "simulation_json": asking(SimulationJson),
    "spearman": asking(Spearman),
    "detection": asking(Detection),
    "purity": asking(Purity),
    "fuzzing": asking(Fuzzing),
    "specificity": asking(Specificity),
    "intruder": asking(Intruder),
    "contrastive": asking(Contrastive),
    "sort": asking(Sort),
    "logits": asking(Logits),
}
PROMPTS: Mapping[str, str | None] = {
    "simulation": "simulation",
    "simulation_json": "simulation_json",
    "spearman": "simulation",
    "detection": "detection",
    "purity": "detection",
    "fuzzing": "fuzzing",
    "specificity": "specificity",
    "intruder": "intruder",
    "contrastive": "contrastive",
    "sort": "sort",
    "logits": "logits",
}
"""The prompt file of each scorer; None where no language model is asked."""


def make_embedding(prompt: Prompt | None, settings: ScoreSettings) -> StepScorer:
    """Return the scorer; it asks an encoder, not a language model."""
    assert prompt is None, "embedding has no prompt"
    return Embedding(settings)


def make_sensitivity(prompt: Prompt | None, settings: ScoreSettings) -> StepScorer:
    """Return the scorer of the prompt ``sensitivity``, which a writer is asked."""
    assert prompt is not None, "sensitivity needs its prompt"
    return Sensitivity(prompt, settings)


def make_sequential(prompt: Prompt | None, settings: ScoreSettings) -> StepScorer:
    """Return the scorer of the prompt ``detection``, which asks its judge only until it is decided."""
    assert prompt is not None, "sequential needs its prompt"
    return Sequential(prompt, settings)


STEP_SCORERS: Mapping[str, StepFactory] = {
    "embedding": make_embedding,
    "sensitivity": make_sensitivity,
    "sequential": make_sequential,
}
STEP_PROMPTS: Mapping[str, str | None] = {
    "embedding": None,
    "sensitivity": "sensitivity",
    "sequential": "detection",
}
"""The same for scorers that go by steps."""
COMPACT: Mapping[str, str] = {"simulation": "simulation_compact", "spearman": "simulation_compact"}


def prompt_of(scorer: str, settings: ScoreSettings) -> str | None:
    """Return the name of the scorer's prompt file in the layout that is set; None where no model is asked."""
    own = {**PROMPTS, **STEP_PROMPTS}[scorer]
    return COMPACT.get(scorer, own) if settings.layout == "compact" else own
