"""Mean shares set right: a planted one comes back, a judge that knows too little gives none, no numbers no row."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from autointerp.analysis.calibrating import SetRight, set_right
from autointerp.analysis.certificates import Certificate
from autointerp.analysis.summary import summary_lines
from autointerp.analysis.values import feature_values
from autointerp.core.types import Reason

N_FEATURES = 40
KNOWN = Certificate(
    "j", "detection", "auroc", 24, 168, 100, 100, 0.7, 0.6, 0.8, 0.9, 0.85, 0.95, 0.5, 0.5, sensitivity=0.9,
    specificity=0.8, certified=True, reason="", n_fitting=4000.0, n_unfitting=4000.0,
)  # fmt: skip


def found(*certificates: Certificate, true_recall: float = 0.6, true_false_fire: float = 0.1) -> tuple[SetRight, ...]:
    """What a judge of 0.9 / 0.8 says of labels that fit these shares of windows on average, features differing."""
    spread = np.linspace(-0.1, 0.1, N_FEATURES)
    rows = [
        {
            "dictionary": "toy/8", "feature": feature, "explanation": f"e{feature}", "scorer": "detection",
            "variant": "", "judge": "j", "control": "none", "draw": 0, "metric": metric, "chance": None,
            "value": (share + off) * 0.9 + (1 - share - off) * 0.2, "status": "scored",
        }
        for metric, share in (("recall", true_recall), ("false_fire", true_false_fire), ("auroc", 0.7))
        for feature, off in enumerate(spread.tolist())
    ]  # fmt: skip
    scores = pd.DataFrame(rows)
    labels = pd.DataFrame({"explanation": scores["explanation"].unique(), "explainer": "examples"})
    features = pd.DataFrame(
        [{"dictionary": "toy/8", "feature": i, "status": "scored", "density": 0.01} for i in range(N_FEATURES)]
    )
    lines = summary_lines(feature_values(scores, labels), features, pd.DataFrame([{"dictionary": "toy/8", "width": 8}]))
    return set_right(lines, feature_values(scores, labels), certificates)


def test_a_planted_share_comes_back() -> None:
    """Recall 0.6 is answered as 0.62 and false fire 0.1 as 0.27; set right both are what they were, AUROC is left."""
    recall, false_fire = found(KNOWN)
    assert (recall.line.metric, false_fire.line.metric) == ("recall", "false_fire")
    assert recall.line.mean.value == pytest.approx(0.62)
    assert false_fire.line.mean.value == pytest.approx(0.27)
    for one, truth in ((recall, 0.6), (false_fire, 0.1)):
        assert one.right.value == pytest.approx(truth, abs=0.001)
        assert one.right.low is not None
        assert one.right.high is not None
        assert one.right.low < truth < one.right.high


def test_fewer_answers_on_the_zoo_widen_the_interval() -> None:
    """What is not known of the judge is not known of the labels."""
    (many, _), (few, _) = found(KNOWN), found(replace(KNOWN, n_fitting=30.0, n_unfitting=30.0))
    widths = [one.right.high - one.right.low for one in (many, few)]  # type: ignore[operator]
    assert widths[1] > 2 * widths[0]


def test_a_judge_that_knows_too_little_decides_nothing() -> None:
    """Sensitivity + specificity below 1.3: no number, and the reason is a word."""
    for one in found(replace(KNOWN, sensitivity=0.6, specificity=0.6)):
        assert (one.right.value, one.right.low, one.right.high) == (None, None, None)
        assert one.right.status is Reason.UNDECIDABLE


@pytest.mark.parametrize(
    "change",
    [{"n_fitting": None}, {"n_unfitting": None}, {"sensitivity": None}, {"judge": "k"}, {"scorer": "fuzzing"}],
)
def test_without_the_judges_own_numbers_there_is_no_row(change: dict[str, object]) -> None:
    """A certificate of an older version, of another judge or scorer says nothing of this one's errors."""
    assert found(replace(KNOWN, **change)) == ()  # type: ignore[arg-type]
    assert found() == ()
