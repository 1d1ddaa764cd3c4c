"""Explainers, by name."""

from collections.abc import Callable, Mapping

from autointerp.core.protocols import Explainer
from autointerp.core.types import Prompt
from autointerp.explain.examples import ExamplesExplainer
from autointerp.explain.lexical import make_lexical
from autointerp.explain.settings import ExplainSettings

Factory = Callable[[Prompt | None, ExplainSettings], Explainer]


def make_examples(prompt: Prompt | None, settings: ExplainSettings) -> ExamplesExplainer:
    """Return the explainer of the prompt ``explain_examples``."""
    assert prompt is not None, "the examples explainer needs its prompt"
    return ExamplesExplainer(prompt, settings)


EXPLAINERS: Mapping[str, Factory] = {"examples": make_examples, "lexical": make_lexical}
PROMPTS: Mapping[str, str | None] = {"examples": "explain_examples", "lexical": None}
"""The prompt file of each explainer; None where nobody is asked."""
