"""Revise: a label is shown its mistakes on the select side and written again (Bills et al. 2023, revisions)."""

from collections.abc import Generator, Sequence
from dataclasses import replace

from autointerp.core.protocols import Explainer, Scorer
from autointerp.core.steps import Answer, Step
from autointerp.core.types import Evidence, Explanation, Failure, Prediction, Prompt, Question, Reply, Text, Window
from autointerp.explain.examples import choose_windows, labelled_by
from autointerp.explain.selecting import ask_for_text, predict_on_select
from autointerp.explain.settings import ExplainSettings
from autointerp.prompting.files import render
from autointerp.prompting.replies import read_label
from autointerp.prompting.windows import MARKS, marked_text, plain_text, safe_text

YES = 0.5


class Revise:
    """One more question, with the windows on which a judge was wrong; a label without mistakes stays as it is.

    The scorer has to judge whole tiles, yes or no, as ``detection`` does.
    """

    def __init__(self, explainer: Explainer, scorer: Scorer, prompt: Prompt, settings: ExplainSettings) -> None:
        self.explainer = explainer
        self.scorer = scorer
        self.prompt = prompt
        self.settings = settings
        self.name = f"revise:{explainer.name}"

    def steps(self, evidence: Evidence) -> Generator[Step, Answer, Explanation | Failure]:
        """Ask for a label, try it on the select side, ask again with its mistakes, and return the later label."""
        question = self.explainer.question(evidence)
        reply = (yield from ask_for_text(question)) if question else None
        first = reply if isinstance(reply, Failure) else self.explainer.read(evidence, reply)
        if isinstance(first, Failure):
            return first
        predictions = yield from predict_on_select(self.scorer, evidence, first)
        missed, alarms = self._mistakes(evidence, predictions)
        if not missed and not alarms:
            return replace(first, explainer=self.name)
        again = yield from ask_for_text(self._question(evidence, first, missed, alarms))
        return again if isinstance(again, Failure) else self._read(evidence, first, again)

    def _mistakes(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[list[Window], list[Window]]:
        """Return firing windows answered no and silent ones answered yes, the surest mistakes first."""
        windows = {sample.window.item: sample.window for sample in evidence.select}
        read = [p for p in predictions if p.guess is not None and p.item in windows]
        wrong = sorted((p for p in read if ((p.guess or 0.0) >= YES) != (p.truth > 0)), key=_surest)
        n = self.settings.n_mistakes
        missed, alarms = ([windows[p.item] for p in wrong if (p.truth > 0) == fires][:n] for fires in (True, False))
        return missed, alarms

    def _question(
        self, evidence: Evidence, first: Explanation, missed: Sequence[Window], alarms: Sequence[Window]
    ) -> Question:
        fraction = self.settings.mark_fraction
        windows = choose_windows(evidence, self.settings)
        system, prompt = render(
            self.prompt,
            label=safe_text(first.text),
            windows=[marked_text(window, fraction=fraction) for window in windows],
            missed=[marked_text(window, fraction=fraction) for window in missed],
            alarms=[plain_text(window, forbidden=MARKS) for window in alarms],
            opening=MARKS[0],
            closing=MARKS[1],
            max_words=self.settings.max_words,
        )
        return Question(system, prompt, self.settings.max_tokens, Text())

    def _read(self, evidence: Evidence, first: Explanation, reply: Reply) -> Explanation | Failure:
        """Return the second label, at the cost of both."""
        label = read_label(reply.text, is_cut=reply.is_cut, about=str(evidence.feature))
        if isinstance(label, Failure):
            return label
        second = labelled_by(self.name, self.prompt, evidence, label, reply)
        usd = None if first.usd is None or second.usd is None else first.usd + second.usd
        return replace(second, tokens=first.tokens + second.tokens, usd=usd)


def _surest(prediction: Prediction) -> tuple[float, str]:
    """Return what puts the guesses farthest from the middle first, ties by name."""
    return -abs((prediction.guess or 0.0) - YES), prediction.item
