"""The examples explainer that asks for a label in all its forms, as JSON."""

from dataclasses import replace

from autointerp.core.types import Evidence, Explanation, Failure, Question, Reply
from autointerp.explain.examples import ExamplesExplainer, labelled_by
from autointerp.prompting.labels import read_full_label


class FullExplainer(ExamplesExplainer):
    """Shows what ``examples`` shows; wants short and long form, type, and each concept (PROTOCOLS, section 2)."""

    name = "examples_full"

    def question(self, evidence: Evidence) -> Question | None:
        """Return the question; None when no shown window fires."""
        question = super().question(evidence)
        return question and replace(question, max_tokens=self.settings.max_tokens_full)

    def read(self, evidence: Evidence, reply: Reply | None) -> Explanation | Failure:
        """Return the label in the reply, or why there is none."""
        if reply is None:
            return super().read(evidence, None)
        label = read_full_label(reply.text, is_cut=reply.is_cut, about=str(evidence.feature))
        if isinstance(label, Failure):
            return label
        made = labelled_by(self.name, self.prompt, evidence, label.short, reply)
        return replace(made, long=label.long, kind=label.kind, concepts=label.concepts)
