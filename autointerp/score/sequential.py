"""Sequential: does this text contain what the label says, asked only until the label is known to be good or bad?"""

from collections.abc import Generator, Sequence
from dataclasses import replace

from autointerp.core.draws import draw
from autointerp.core.steps import Answer, Step
from autointerp.core.types import Evidence, Failure, Labelled, Prediction, Prompt, Question, Reason, Reply, Score
from autointerp.metrics.sequential import Decision, SequentialSettings, Verdict, confidence_sequence, decide
from autointerp.prompting.windows import safe_text
from autointerp.score.detection import TEXT_ENDS, Detection, order_key
from autointerp.score.grading import Count, Estimate, count_items, finish, template
from autointerp.score.settings import ScoreSettings
from autointerp.score.tiles import lacks_tiles
from autointerp.score.verdicts import of_each

ACCURACY, IS_GOOD = "accuracy", "is_good"
YES = 0.5
PAIR = 2


class Sequential(Detection):
    """Detection's questions to the last letter (their replies serve both), one at a time, until it is decided.

    Firing and silent tiles come in turns, either in keyed order; an answer that cannot be read is neither
    right nor wrong, and the next tile of its kind takes its turn. ``accuracy`` is over whole pairs, as many
    as were asked, with the 95% interval that holds whenever one stops; its ``reason`` says what was decided
    and after how many answers. ``is_good`` is 1 or 0, or undecidable. Errors of either verdict:
    ``sequential_alpha``, over tiles drawn as these are.
    """

    name = "sequential"
    headline = ("", ACCURACY)

    def __init__(self, prompt: Prompt, settings: ScoreSettings) -> None:
        super().__init__(prompt, settings)
        self.test = SequentialSettings.between(
            settings.sequential_bad,
            settings.sequential_good,
            alpha=settings.sequential_alpha,
            max_items=settings.sequential_max_items,
        )
        self.calls = min(settings.n_expected, settings.sequential_max_items)

    def steps(self, evidence: Evidence, labelled: Labelled, judge: str) -> Generator[Step, Answer, list[Prediction]]:
        """Ask until it is decided, ``max_items`` are asked or a kind of tile runs out."""
        predictions: list[Prediction] = []
        while question := self.next_question(evidence, labelled, predictions):
            answer = yield question
            assert isinstance(answer, Reply | Failure), "a question is answered by a reply"
            predictions += self.read(evidence, labelled, judge, question, answer)
        return predictions

    def next_question(
        self, evidence: Evidence, labelled: Labelled, predictions: Sequence[Prediction]
    ) -> Question | None:
        """Return what is asked after these answers; None when nothing more is."""
        is_over = len(predictions) >= self.test.max_items or lacks_tiles(evidence, self.settings)
        if is_over or self.decide(evidence, predictions).verdict is not Verdict.OPEN:
            return None
        asked = {p.item for p in predictions}
        fired = [p.truth > 0 for p in predictions if p.guess is not None]
        wants_firing = PAIR * sum(fired) <= len(fired)
        left = (s for s in self._shuffled(evidence) if s.window.item not in asked)
        sample = next((s for s in left if s.window.is_firing == wants_firing), None)
        label = safe_text(labelled.explanation.text, forbidden=TEXT_ENDS)
        return self._question(evidence, labelled, label, sample) if sample else None

    def decide(self, evidence: Evidence, predictions: Sequence[Prediction]) -> Decision:
        """Return what the answers say, firing and silent ones paired in the order in which they are asked."""
        read = [p for p in predictions if p.guess is not None]
        read = draw(read, len(read), seed=self.settings.seed, key=lambda p: order_key(evidence, p.item))
        firing, silent = ([_is_right(p) for p in read if (p.truth > 0) == fires] for fires in (True, False))
        right = [is_right for pair in zip(firing, silent, strict=False) for is_right in pair]
        return decide(right, self.test, every=PAIR)

    def grade(self, evidence: Evidence, predictions: Sequence[Prediction]) -> tuple[Score, ...]:
        """Return the accuracy with what was decided, and whether the label is good."""
        score = template(evidence, predictions, scorer=self.name)
        lacks = lacks_tiles(evidence, self.settings)
        if lacks or not predictions:
            return self.of_each(replace(score, status=Reason.TOO_FEW_EXAMPLES, reason=lacks or "nothing was asked"))
        decision, count = self.decide(evidence, predictions), count_items(p.reason for p in predictions)
        told = _told(decision, count)
        accuracy = finish(score, _accuracy(decision), count, self.settings)
        is_good = finish(score, _is_good(decision, told), count, self.settings)
        if accuracy.value is not None:
            accuracy = replace(accuracy, reason=told)
        if is_good.status is Reason.UNDEFINED:
            is_good = replace(is_good, status=Reason.UNDECIDABLE)
        return accuracy, is_good

    def of_each(self, score: Score) -> tuple[Score, ...]:
        """Return the score without number for accuracy and verdict."""
        return of_each(score, (ACCURACY, IS_GOOD))


def _is_right(prediction: Prediction) -> bool:
    assert prediction.guess is not None, "an unread answer is neither right nor wrong"
    return (prediction.guess >= YES) == (prediction.truth > 0)


def _accuracy(decision: Decision) -> Estimate:
    if not decision.n:
        return Estimate(ACCURACY, None, None, 0.5, "no firing and silent window were both read")
    interval = confidence_sequence(decision.n_right, decision.n)
    return Estimate(ACCURACY, decision.n_right / decision.n, interval, 0.5)


def _is_good(decision: Decision, told: str) -> Estimate:
    value = {Verdict.GOOD: 1.0, Verdict.BAD: 0.0}.get(decision.verdict)
    return Estimate(IS_GOOD, value, None, None, told)


def _told(decision: Decision, count: Count) -> str:
    """Return ``good after 14 answers``, with how many could not be read."""
    is_decided = decision.verdict in (Verdict.GOOD, Verdict.BAD)
    n_unread = count.n_asked - count.n_read
    unread = f", {n_unread} more unread" if n_unread else ""
    return f"{decision.verdict if is_decided else 'not decided'} after {decision.n} answers{unread}"
