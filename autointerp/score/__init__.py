"""Scorers, by name."""

from collections.abc import Callable, Mapping

from autointerp.core.protocols import Scorer
from autointerp.core.types import Prompt
from autointerp.score.contrastive import Contrastive
from autointerp.score.detection import Detection
from autointerp.score.fuzzing import Fuzzing
from autointerp.score.intruder import Intruder
from autointerp.score.logits import Logits
from autointerp.score.settings import ScoreSettings
from autointerp.score.simulation import Simulation
from autointerp.score.simulation_json import SimulationJson
from autointerp.score.sorting import Sort
from autointerp.score.spearman import Spearman
from autointerp.score.specificity import Specificity

Factory = Callable[[Prompt | None, ScoreSettings], Scorer]


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
    "fuzzing": "fuzzing",
    "specificity": "specificity",
    "intruder": "intruder",
    "contrastive": "contrastive",
    "sort": "sort",
    "logits": "logits",
}
"""The prompt file of each scorer; None where no language model is asked."""
COMPACT: Mapping[str, str] = {"simulation": "simulation_compact", "spearman": "simulation_compact"}


def prompt_of(scorer: str, settings: ScoreSettings) -> str | None:
    """Return the name of the scorer's prompt file in the layout that is set; None where no model is asked."""
    return COMPACT.get(scorer, PROMPTS[scorer]) if settings.layout == "compact" else PROMPTS[scorer]
