"""Logits: is this a plausible next token where the label holds? (Towards Monosemanticity, logit weights)"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autointerp.core.draws import draw
from autointerp.core.types import (
    About,
    Evidence,
    Failure,
    Labelled,
    Prediction,
    Prompt,
    Question,
    Reason,
    Reply,
    Score,
    Window,
    YesNo,
)
from autointerp.prompting.files import render
from autointerp.prompting.windows import safe_text
from autointerp.score.cost import estimate_tokens
from autointerp.score.grading import blank_prediction, count_items, finish, template, unscored
from autointerp.score.settings import ScoreSettings
from autointerp.score.verdicts import OF_ITEMS, estimate_items, of_each, read_verdict

FIRST_RANK = 10
MIN_TOKENS = 10


class Logits:
    """One question a token: 50 that the feature promotes, of rank 10 to 60, and 50 others.

    The first ranks are left out because an explainer that sees output tokens was shown them. The others
    are drawn from the words of the held-out side (the paper: from the vocabulary, most of whose
    fragments no text contains).
    """

    name = "logits"
    headline = ("", "auroc")
    chance: float | None = 0.5
    low = 0.0
    high = 1.0
    direction = 1
    uses_label = True
    needs: tuple[str, ...] = ("yes_no",)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        self.prompt = prompt
        self.settings = settings
        self.calls = 2 * settings.n_logits
        self.tokens_a_call = estimate_tokens(prompt, text=3)

    def questions(self, evidence: Evidence, labelled: Labelled) -> list[Question]:
        """Return one question a token in keyed order; none when too few promoted tokens are known."""
        label = labelled.explanation.text
        return [self._question(evidence, label, window) for window in choose_tokens(evidence, self.settings)]

    def read(
        self, evidence: Evidence, labelled: Labelled, judge: str, question: Question, reply: Reply | Failure
    ) -> list[Prediction]:
        """Return one prediction: P(plausible), or 1 or 0 where the judge only wrote its answer."""
        assert question.about is not None
        assert question.about.window is not None, "logits questions say which token they are about"
        make = blank_prediction(evidence, labelled, scorer=self.name, judge=judge)
        truth = question.about.window.is_firing
        return [read_verdict(make, reply, item=question.about.item, truth=truth, weight=1.0)]

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return AUROC and balanced accuracy of promoted against other tokens."""
        score = template(evidence, predictions, scorer=self.name)
        if not predictions:
            n = len(evidence.promoted[FIRST_RANK:])
            reason = f"{n} promoted tokens beyond rank {FIRST_RANK} are known, {MIN_TOKENS} needed"
            return of_each(replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=reason), OF_ITEMS)
        read = [p for p in predictions if p.guess is not None]
        truth, guess = np.array([p.truth for p in read]), np.array([p.guess for p in read], dtype=np.float64)
        count = count_items(p.reason for p in predictions)
        return tuple(finish(score, found, count, self.settings) for found in estimate_items(truth, guess))

    def unscored(
        self, evidence: Evidence, labelled: Labelled | None, *, judge: str, status: Reason, reason: str
    ) -> tuple[Score, ...]:
        """Return both metrics without number, for a label never put to the judge."""
        score = unscored(evidence, labelled, scorer=self.name, judge=judge, status=status, reason=reason)
        return of_each(score, OF_ITEMS)

    def _question(self, evidence: Evidence, label: str, window: Window) -> Question:
        system, prompt = render(self.prompt, label=safe_text(label), token=safe_text(window.text, forbidden=('"',)))
        about = About(evidence.feature, window.item, label, window, self.name)
        return Question(system, prompt, self.settings.max_tokens, YesNo(), about=about)


def choose_tokens(evidence: Evidence, settings: ScoreSettings) -> list[Window]:
    """Return windows of one token each, ``tokens:0`` on, activation 1 for promoted ones and 0 for others.

    As many of either kind; none below 10 of each. No token is of both kinds, and none is blank.
    """
    known = {token.strip().lower() for token in evidence.promoted}
    ranked = evidence.promoted[FIRST_RANK:]
    promoted = list(dict.fromkeys(token for token in ranked if token.strip()))[: settings.n_logits]
    words = sorted(
        {t for s in evidence.held_out for t in s.window.tokens if t.strip() and t.strip().lower() not in known}
    )
    n = min(len(promoted), len(words))
    if n < MIN_TOKENS:
        return []
    feature = str(evidence.feature)
    others = draw(words, n, seed=settings.seed, key=lambda token: ("logits", feature, token))
    pairs = [(token, 1.0) for token in promoted[:n]] + [(token, 0.0) for token in others]
    mixed = draw(pairs, len(pairs), seed=settings.seed, key=lambda pair: ("logits order", feature, pair[0]))
    return [Window("tokens", number, (token,), (value,)) for number, (token, value) in enumerate(mixed)]
