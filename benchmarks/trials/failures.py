"""What is said of a label when four of five replies cannot be read: nothing, or the rest with its counts."""

from collections.abc import Sequence

from autointerp.core.draws import uniform
from autointerp.core.types import Question, Reason, Reply, Score
from autointerp.score import SCORERS, ScoreSettings
from autointerp.trust.oracle import Function, Oracle, judge_function
from autointerp.trust.zoo import meanings
from trials.figure import Figure, at_least, report
from trials.shortcuts import few_windows, prompt_file
from trials.zoo import Planted

UNREADABLE = 0.8
NAMES = ("detection", "fuzzing")


def graded(name: str, planted: Planted, *, min_fraction_read: float) -> Score:
    """Return the exact label's AUROC by a perfect judge, 80% of whose replies are garbled."""
    scorer = SCORERS[name](prompt_file(name), ScoreSettings(min_fraction_read=min_fraction_read))
    evidence, labelled = few_windows(planted.evidence), planted.feature.labelled(planted.feature.rungs[0])
    judge = judge_function(Oracle(), meanings([planted.feature]))
    predictions = [
        prediction
        for question in scorer.questions(evidence, labelled)
        for prediction in scorer.read(evidence, labelled, "oracle", question, _reply(judge, question))
    ]
    return scorer.grade(evidence, predictions)[0]


def _reply(judge: Function, question: Question) -> Reply:
    if uniform(0, "garbled", question.key) < UNREADABLE:
        return Reply(question.key, "oracle", "well, maybe", (), "oracle", 1, 1, 0, 0.0, None)
    yes = judge(question)
    assert isinstance(yes, float)
    return Reply(question.key, "oracle", "", ((yes, 1 - yes),), "oracle", 1, 1, 0, 0.0, None)


def width(score: Score) -> float:
    """Return the width of the interval; 0 where a value stands alone."""
    return score.high - score.low if score.low is not None and score.high is not None else 0.0


def figures(planted: Sequence[Planted]) -> list[Figure]:
    """Return how often there is no number by default, and what stands beside one where the setting allows it."""
    found = []
    for name in NAMES:
        refused = [graded(name, one, min_fraction_read=0.5) for one in planted]
        allowed = [score for one in planted if (score := graded(name, one, min_fraction_read=0.0)).value is not None]
        n_unscored = sum(score.status is Reason.PARSE_FAILED for score in refused)
        found += [
            at_least(f"{name}_unscored_share_at_80%_unreadable", n_unscored / len(refused), 1),
            report(f"{name}_share_read", sum(s.n_read / s.n_asked for s in allowed) / len(allowed)),
            # Right answers alone were read: the value is 1.0, and must not pass for certain.
            at_least(f"{name}_interval_width_least", min(map(width, allowed)), 0.1),
        ]
    return found
