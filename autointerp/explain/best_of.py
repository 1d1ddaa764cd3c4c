"""Best of k: an explainer asked several times, the label chosen that does best on the select side."""

from collections.abc import Generator, Sequence
from dataclasses import replace

from autointerp.core.protocols import Explainer, Scorer
from autointerp.core.steps import Answer, Step
from autointerp.core.types import Evidence, Explanation, Failure, Question, Reason
from autointerp.explain.selecting import ask_for_text, headline_value, predict_on_select
from autointerp.explain.settings import ExplainSettings


class BestOf:
    """Any explainer k times, at a temperature; its tokens and price are those of all candidates together."""

    def __init__(self, explainer: Explainer, scorer: Scorer, settings: ExplainSettings) -> None:
        self.explainer = explainer
        self.scorer = scorer
        self.settings = settings
        self.name = f"best_of_{settings.n_candidates}:{explainer.name}"

    def steps(self, evidence: Evidence) -> Generator[Step, Answer, Explanation | Failure]:
        """Ask for k labels, try the different ones on the select side, and return the best, the first of equals.

        A failure when no label was had, or when the select side cannot rank those there are.
        """
        question = self.explainer.question(evidence)
        if question is None:
            found = self.explainer.read(evidence, None)
            return found if isinstance(found, Failure) else replace(found, explainer=self.name)
        candidates, failures = yield from self._ask(evidence, question)
        if not candidates:
            return failures[0]
        best = yield from self._choose(evidence, candidates)
        return best if isinstance(best, Failure) else self._name(best, candidates)

    def _ask(
        self, evidence: Evidence, question: Question
    ) -> Generator[Step, Answer, tuple[list[Explanation], list[Failure]]]:
        """Return the labels and the failures of k questions that differ in nothing but their number."""
        found: list[Explanation] = []
        failures: list[Failure] = []
        hot = () if self.settings.temperature is None else (("temperature", self.settings.temperature),)
        for number in range(self.settings.n_candidates):
            again = replace(
                question, repeat=f"{question.repeat}candidate:{number}", sampling=(*question.sampling, *hot)
            )
            reply = yield from ask_for_text(again)
            label = reply if isinstance(reply, Failure) else self.explainer.read(evidence, reply)
            (failures if isinstance(label, Failure) else found).append(label)  # type: ignore[arg-type]
        return found, failures

    def _choose(
        self, evidence: Evidence, candidates: Sequence[Explanation]
    ) -> Generator[Step, Answer, Explanation | Failure]:
        """Return the candidate with the largest value on the select side."""
        different = list({candidate.text: candidate for candidate in reversed(candidates)}.values())[::-1]
        if len(different) == 1:
            return different[0]
        values: list[tuple[float, Explanation]] = []
        for candidate in different:
            predictions = yield from predict_on_select(self.scorer, evidence, candidate)
            value = headline_value(self.scorer, evidence, predictions)
            if value is not None:
                values.append((value, candidate))
        if not values:
            detail = f"{len(different)} labels, and the select side ranks none of them by {self.scorer.name}"
            return Failure("explain", str(evidence.feature), Reason.TOO_FEW_EXAMPLES, detail)
        return max(values, key=lambda pair: pair[0])[1]

    def _name(self, best: Explanation, candidates: Sequence[Explanation]) -> Explanation:
        """Return the label as this explainer's, at the cost of all."""
        prices = [candidate.usd for candidate in candidates]
        return replace(
            best,
            explainer=self.name,
            tokens=sum(candidate.tokens for candidate in candidates),
            usd=None if None in prices else sum(price for price in prices if price is not None),
        )
