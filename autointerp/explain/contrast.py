"""The examples explainer with windows beside them on which the feature stays silent."""

from autointerp.core.draws import draw
from autointerp.core.types import Evidence, Explanation, Failure, Question, Reason, Reply, Text, Window
from autointerp.explain.examples import ExamplesExplainer, choose_windows
from autointerp.explain.settings import ExplainSettings
from autointerp.prompting.files import render
from autointerp.prompting.windows import MARKS, plain_text

HARDEST_FIRST = ("silent:same_token", "silent:near", "silent:sibling")


class ContrastExplainer(ExamplesExplainer):
    """Shows, besides, silent windows that look alike: a label has to leave them out (PROTOCOLS, section 2)."""

    name = "contrast"

    def question(self, evidence: Evidence) -> Question | None:
        """Return the question; None without firing or without silent windows on the shown side."""
        windows, silent = choose_windows(evidence, self.settings), choose_silent(evidence, self.settings)
        if not windows or not silent:
            return None
        texts = [plain_text(window, forbidden=MARKS) for window in silent]
        system, prompt = render(self.prompt, **self.holes(evidence, windows), silent=texts)
        return Question(system, prompt, self.settings.max_tokens, Text())

    def read(self, evidence: Evidence, reply: Reply | None) -> Explanation | Failure:
        """Return the label in the reply, or why there is none."""
        if reply is None:
            detail = "no shown window fires, or none is silent: nothing to set against each other"
            return Failure("explain", str(evidence.feature), Reason.TOO_FEW_EXAMPLES, detail)
        return super().read(evidence, reply)


def choose_silent(evidence: Evidence, settings: ExplainSettings) -> list[Window]:
    """Return up to n_contrast silent windows of the shown side, the hardest strata first, in keyed order."""
    silent = [s for s in evidence.shown if not s.window.is_firing and s.stratum != "neighbour"]
    feature = str(evidence.feature)
    mixed = draw(silent, len(silent), seed=settings.seed, key=lambda s: ("contrast", feature, s.window.item))
    hardest = sorted(mixed, key=lambda s: [not s.stratum.startswith(name) for name in HARDEST_FIRST])
    return [sample.window for sample in hardest[: settings.n_contrast]]
