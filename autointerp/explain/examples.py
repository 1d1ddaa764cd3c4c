"""The explainer that asks a language model what marked windows have in common."""

from collections import defaultdict
from itertools import chain, zip_longest

from autointerp.core.draws import draw
from autointerp.core.types import Evidence, Explanation, Failure, Prompt, Question, Reason, Reply, Sample, Text, Window
from autointerp.explain.settings import ExplainSettings
from autointerp.prompting.files import render
from autointerp.prompting.replies import read_label
from autointerp.prompting.windows import MARKS, marked_text, safe_text


class ExamplesExplainer:
    """Shows the strongest windows, some of every stratum, and the output tokens (PROTOCOLS, section 2)."""

    name = "examples"

    def __init__(self, prompt: Prompt, settings: ExplainSettings) -> None:
        self.prompt = prompt
        self.settings = settings

    def question(self, evidence: Evidence) -> Question | None:
        """Return the question; None when no shown window fires, which ``read`` turns into a failure."""
        windows = choose_windows(evidence, self.settings)
        if not windows:
            return None
        system, prompt = render(self.prompt, **self.holes(evidence, windows))
        return Question(system, prompt, self.settings.max_tokens, Text())

    def holes(self, evidence: Evidence, windows: list[Window]) -> dict[str, object]:
        """Return what fills the prompt: windows with marks, output tokens, and how both are written."""
        n = self.settings.n_output_tokens
        return {
            "windows": [marked_text(window, fraction=self.settings.mark_fraction) for window in windows],
            "promoted": [quoted(token) for token in evidence.promoted[:n]],
            "suppressed": [quoted(token) for token in evidence.suppressed[:n]],
            "opening": MARKS[0],
            "closing": MARKS[1],
            "max_words": self.settings.max_words,
        }

    def read(self, evidence: Evidence, reply: Reply | None) -> Explanation | Failure:
        """Return the label in the reply, or why there is none."""
        about = str(evidence.feature)
        if reply is None:
            return Failure("explain", about, Reason.TOO_FEW_EXAMPLES, "no shown window fires")
        label = read_label(reply.text, about=about, is_cut=reply.is_cut)
        if isinstance(label, Failure):
            return label
        return labelled_by(self.name, self.prompt, evidence, label, reply)


def labelled_by(explainer: str, prompt: Prompt, evidence: Evidence, label: str, reply: Reply) -> Explanation:
    """Return the label with its provenance, tokens and price as billed."""
    return Explanation(
        evidence.feature,
        label,
        explainer=explainer,
        model=reply.model,
        prompt_version=prompt.version,
        question=reply.question,
        tokens=reply.tokens_in + reply.tokens_out,
        usd=reply.usd,
    )


def choose_windows(evidence: Evidence, settings: ExplainSettings) -> list[Window]:
    """Return up to n_shown different firing windows of the shown side, the strongest first.

    n_top of the stratum ``top`` by peak, then in turn one of every stratum, chosen by keyed draw.
    """
    firing = {sample.window.item: sample for sample in evidence.shown if sample.window.is_firing}
    by_peak = sorted(firing.values(), key=lambda sample: (-sample.window.peak, sample.window.item))
    top = [sample for sample in by_peak if sample.stratum == "top"][: settings.n_top]
    rest = [sample for sample in by_peak if sample not in top and sample.stratum != "neighbour"]
    chosen = [*top, *_spread(rest, evidence, settings.seed)][: settings.n_shown]
    return sorted((sample.window for sample in chosen), key=lambda window: (-window.peak, window.item))


def _spread(samples: list[Sample], evidence: Evidence, seed: int) -> list[Sample]:
    """Return the samples in turns, one of each stratum, in keyed order within it."""
    strata: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        strata[sample.stratum].append(sample)
    shuffled = [
        draw(strata[name], len(strata[name]), seed=seed, key=lambda s: ("shown", str(evidence.feature), s.window.item))
        for name in sorted(strata, reverse=True)
    ]
    return [sample for sample in chain.from_iterable(zip_longest(*shuffled)) if sample is not None]


def quoted(token: str) -> str:
    """Return the token in quotation marks, harmless."""
    return f'"{safe_text(token, forbidden=MARKS)}"'
