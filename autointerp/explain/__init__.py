"""Explainers, by name: those that ask once, and those that go by steps."""

from collections.abc import Callable, Mapping

from autointerp.core.protocols import Explainer, Scorer, StepExplainer
from autointerp.core.types import Prompt
from autointerp.explain.best_of import BestOf
from autointerp.explain.contrast import ContrastExplainer
from autointerp.explain.examples import ExamplesExplainer
from autointerp.explain.full import FullExplainer
from autointerp.explain.lexical import make_lexical
from autointerp.explain.outputs import OutputsExplainer
from autointerp.explain.revise import Revise
from autointerp.explain.settings import ExplainSettings

Factory = Callable[[Prompt | None, ExplainSettings], Explainer]
StepFactory = Callable[[Explainer, Scorer, Prompt | None, ExplainSettings], StepExplainer]


def asking(explainer: Callable[[Prompt, ExplainSettings], Explainer]) -> Factory:
    """Return the factory of an explainer that cannot do without its prompt."""

    def make(prompt: Prompt | None, settings: ExplainSettings) -> Explainer:
        assert prompt is not None, "this explainer needs its prompt"
        return explainer(prompt, settings)

    return make


def make_best_of(
    explainer: Explainer, scorer: Scorer, prompt: Prompt | None, settings: ExplainSettings
) -> StepExplainer:
    """Return the explainer; the only prompt is that of the explainer it asks."""
    assert prompt is None, "best_of has no prompt of its own"
    return BestOf(explainer, scorer, settings)


def make_revise(
    explainer: Explainer, scorer: Scorer, prompt: Prompt | None, settings: ExplainSettings
) -> StepExplainer:
    """Return the explainer of the prompt ``explain_revise``."""
    assert prompt is not None, "revise needs its prompt"
    return Revise(explainer, scorer, prompt, settings)


EXPLAINERS: Mapping[str, Factory] = {
    "examples": asking(ExamplesExplainer),
    "examples_full": asking(FullExplainer),
    "contrast": asking(ContrastExplainer),
    "outputs": asking(OutputsExplainer),
    "lexical": make_lexical,
}
PROMPTS: Mapping[str, str | None] = {
    "examples": "explain_examples",
    "examples_full": "explain_full",
    "contrast": "explain_contrast",
    "outputs": "explain_outputs",
    "lexical": None,
}
"""The prompt file of each explainer; None where nobody is asked."""

STEP_EXPLAINERS: Mapping[str, StepFactory] = {"best_of": make_best_of, "revise": make_revise}
STEP_PROMPTS: Mapping[str, str | None] = {"best_of": None, "revise": "explain_revise"}
"""The prompt file of each explainer that goes by steps, besides that of the explainer it starts from."""
