"""The explainer that sees no text, only the tokens the feature makes likelier or less likely to come next."""

from dataclasses import replace

from autointerp.core.types import Evidence, Explanation, Failure, Prompt, Question, Reason, Reply, Text
from autointerp.explain.examples import labelled_by, quoted
from autointerp.explain.settings import ExplainSettings
from autointerp.prompting.files import render
from autointerp.prompting.replies import read_label


class OutputsExplainer:
    """Names what the feature writes (Gur-Arieh et al. 2025); the examples explainers name what it reads."""

    name = "outputs"

    def __init__(self, prompt: Prompt, settings: ExplainSettings) -> None:
        self.prompt = prompt
        self.settings = settings

    def question(self, evidence: Evidence) -> Question | None:
        """Return the question; None when no promoted token is known."""
        if not evidence.promoted:
            return None
        promoted, suppressed = ([quoted(t) for t in tokens] for tokens in (evidence.promoted, evidence.suppressed))
        n = 2 * self.settings.n_output_tokens
        system, prompt = render(
            self.prompt, promoted=promoted[:n], suppressed=suppressed[:n], max_words=self.settings.max_words
        )
        return Question(system, prompt, self.settings.max_tokens, Text())

    def read(self, evidence: Evidence, reply: Reply | None) -> Explanation | Failure:
        """Return the label in the reply, of kind ``output``, or why there is none."""
        about = str(evidence.feature)
        if reply is None:
            return Failure("explain", about, Reason.TOO_FEW_EXAMPLES, "no promoted token is known")
        label = read_label(reply.text, is_cut=reply.is_cut, about=about)
        if isinstance(label, Failure):
            return label
        return replace(labelled_by(self.name, self.prompt, evidence, label, reply), kind="output")
