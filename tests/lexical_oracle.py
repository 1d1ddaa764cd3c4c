"""An oracle that answers detection by the lexical explainer's rule, beside the look-up control."""

from collections.abc import Iterator
from dataclasses import dataclass

from autointerp.core.protocols import Scorer
from autointerp.core.types import Evidence, Explanation, FeatureId, Labelled, Prediction, Question, Reply
from autointerp.explain.lexical import LexicalRule, describe_rule, find_rule
from autointerp.pipeline.chunks import run_chunks
from autointerp.pipeline.evidence import read_evidence
from autointerp.pipeline.judging import scorers_of
from autointerp.pipeline.run import Run
from autointerp.score.lookup import predict_by_lookup


@dataclass(frozen=True)
class Against:
    """Detection's AUROC of one feature's lexical label with an oracle, and of the look-up; None without a label."""

    feature: FeatureId
    label: float | None
    lookup: float

    @property
    def excess(self) -> float | None:
        """How far the label leads the look-up: ``excess_lookup``."""
        return None if self.label is None else self.label - self.lookup


def against_lookup(run: Run) -> Iterator[Against]:
    """Yield every drawn feature of a run whose evidence stands and that detection can be asked about."""
    (scorer,) = scorers_of(run, ["detection"])
    for chunk in run_chunks(run):
        for evidence in read_evidence(run, chunk):
            lookup = auroc_of(scorer, evidence, predict_by_lookup(scorer, evidence))
            rule = find_rule(evidence, run.explain_settings)
            label = None if rule is None else auroc_of(scorer, evidence, predict_by_rule(scorer, evidence, rule))
            if lookup is not None:
                yield Against(evidence.feature, label, lookup)


def predict_by_rule(scorer: Scorer, evidence: Evidence, rule: LexicalRule) -> list[Prediction]:
    """Return the scorer's predictions of the lexical label where the judge says yes exactly if the rule fires."""
    labelled = Labelled(Explanation(evidence.feature, describe_rule(rule, evidence), "lexical", "lexical"))
    return [
        prediction
        for question in scorer.questions(evidence, labelled)
        for prediction in scorer.read(evidence, labelled, "oracle", question, _answer(rule, question))
    ]


def auroc_of(scorer: Scorer, evidence: Evidence, predictions: list[Prediction]) -> float | None:
    return next(score.value for score in scorer.grade(evidence, predictions) if score.metric == "auroc")


def _answer(rule: LexicalRule, question: Question) -> Reply:
    window = question.about.window if question.about else None
    assert window is not None, "detection asks about a window"
    yes = float(any(rule.fires(window)))
    return Reply(question.key, "oracle", "", ((yes, 1.0 - yes),), "decisions", 0, 0, 0, 0.0, 0.0)
