"""Scorers, by name."""

from collections.abc import Callable, Mapping

from autointerp.core.protocols import Scorer
from autointerp.core.types import Prompt
from autointerp.score.detection import Detection
from autointerp.score.settings import ScoreSettings
from autointerp.score.simulation import Simulation

Factory = Callable[[Prompt | None, ScoreSettings], Scorer]


def make_detection(prompt: Prompt | None, settings: ScoreSettings) -> Detection:
    """Return the scorer of the prompt ``detection``."""
    assert prompt is not None, "detection needs its prompt"
    return Detection(prompt, settings)


def make_simulation(prompt: Prompt | None, settings: ScoreSettings) -> Simulation:
    """Return the scorer of the prompt ``simulation``."""
    assert prompt is not None, "simulation needs its prompt"
    return Simulation(prompt, settings)


SCORERS: Mapping[str, Factory] = {"simulation": make_simulation, "detection": make_detection}
PROMPTS: Mapping[str, str | None] = {"simulation": "simulation", "detection": "detection"}
"""The prompt file of each scorer; None where no language model is asked."""
COMPACT: Mapping[str, str] = {"simulation": "simulation_compact"}


def prompt_of(scorer: str, settings: ScoreSettings) -> str | None:
    """Return the name of the scorer's prompt file in the layout that is set; None where no model is asked."""
    return COMPACT.get(scorer, PROMPTS[scorer]) if settings.layout == "compact" else PROMPTS[scorer]
