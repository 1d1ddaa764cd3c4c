"""The gate's rules: decided on intervals, confirmed by a second measurement, one verdict of them all."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.estimates import Estimate
from autointerp.analysis.paired import Flips, Paired
from autointerp.analysis.watching import (
    EXIT_CODES,
    FEATURE,
    Check,
    Measured,
    Rules,
    Verdict,
    confirmed,
    decide,
    hold,
)

VERDICTS = st.sampled_from(Verdict)
NOTHING = pd.DataFrame(columns=[*FEATURE, "run", "value", "low", "high"])
DROP = Rules(min_coverage=None, same_judge=False)


def paired(low: float | None, high: float | None, *, scored: int = 20) -> Paired:
    value = -0.1 if low is None or high is None else (low + high) / 2
    e = Estimate(value, low, high, 0.1, 20)
    return Paired("d", "e", "detection", "", "auroc", "j", "e", "j", e, e, e, 20, 20, scored, 20, 0.1)


def measured(
    *lines: Paired, flips: tuple[Flips, ...] = (), floors: tuple[Flips, ...] = (), alarm: str = "",
    systems: tuple[str, str] = ("j", "j"), watched: pd.DataFrame = NOTHING,
) -> Measured:  # fmt: skip
    return Measured(lines, flips, floors, (systems[0],), (systems[1],), watched, alarm)


@given(st.lists(VERDICTS))
def test_the_worst_counts(found: list[Verdict]) -> None:
    """A failure outweighs an open question, that a pass; nothing at all is open. The exit code follows."""
    verdict = decide([Check("r", str(i), v, "") for i, v in enumerate(found)])
    assert (verdict is Verdict.FAIL) == (Verdict.FAIL in found)
    assert (verdict is Verdict.PASS) == (bool(found) and set(found) == {Verdict.PASS})
    assert EXIT_CODES[verdict] == {"pass": 0, "fail": 10, "inconclusive": 7}[verdict.value]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.04, 0.02, Verdict.PASS),
        (-0.20, -0.06, Verdict.FAIL),
        (-0.20, 0.10, Verdict.INCONCLUSIVE),
        (-0.08, -0.03, Verdict.INCONCLUSIVE),
        (None, None, Verdict.INCONCLUSIVE),
    ],
)
def test_a_drop_is_decided_on_the_interval(low: float | None, high: float | None, verdict: Verdict) -> None:
    """Passed where all of the interval is above the allowed drop, failed where all is below, else open."""
    (check,) = hold(DROP, measured(paired(low, high)))
    assert (check.verdict, check.is_noisy) == (verdict, True)


def test_nothing_measured_is_no_pass() -> None:
    """Two runs without a common measure leave the question open."""
    assert decide(hold(DROP, measured())) is Verdict.INCONCLUSIVE


def test_another_judge_fails() -> None:
    """The systems that judged must be the baseline's; the message names both."""
    rules = Rules(max_drop=None, min_coverage=None)
    (same,), (other,) = hold(rules, measured()), hold(rules, measured(systems=("m fp1", "m fp2")))
    assert same.verdict is Verdict.PASS
    assert (other.verdict, "m fp1 → m fp2" in other.text) == (Verdict.FAIL, True)
    (unknown,) = hold(rules, Measured((), (), (), (), ("j",), NOTHING))
    assert unknown.verdict is Verdict.INCONCLUSIVE


def test_an_alarm_fails_and_names_the_judge() -> None:
    """What anchors say against the judge stands in the verdict as it was said."""
    rules = Rules(max_drop=None, min_coverage=None, same_judge=False)
    (check,) = hold(rules, measured(alarm="the judge j answers otherwise"))
    assert (check.rule, check.verdict, check.text) == ("drift", Verdict.FAIL, "the judge j answers otherwise")


def test_coverage() -> None:
    """Fewer scored features than demanded fail."""
    rules = Rules(max_drop=None, min_coverage=0.8, same_judge=False)
    few, enough = (hold(rules, measured(paired(-0.1, 0.1, scored=n)))[0].verdict for n in (15, 16))
    assert (few, enough) == (Verdict.FAIL, Verdict.PASS)


def flips(rate: float, low: float, high: float) -> Flips:
    return Flips("detection", "", rate, low, high, 100, 20)


@pytest.mark.parametrize(
    ("found", "floor", "verdict"),
    [
        (flips(0.05, 0.02, 0.08), None, Verdict.PASS),
        (flips(0.30, 0.20, 0.40), None, Verdict.FAIL),
        (flips(0.10, 0.05, 0.20), None, Verdict.INCONCLUSIVE),
        (flips(0.30, 0.20, 0.40), flips(0.02, 0.0, 0.1), Verdict.FAIL),
        (flips(0.30, 0.20, 0.40), flips(0.25, 0.2, 0.3), Verdict.INCONCLUSIVE),
    ],
)
def test_flips_are_held_against_the_noise(found: Flips, floor: Flips | None, verdict: Verdict) -> None:
    """More than allowed fails, unless more than allowed turn by themselves."""
    rules = Rules(max_drop=None, min_coverage=None, max_flip_rate=0.1, same_judge=False)
    (check,) = hold(rules, measured(flips=(found,), floors=() if floor is None else (floor,)))
    assert check.verdict is verdict


def test_watched_features() -> None:
    """Lower beyond both intervals fails, within them passes; without a score in one run it is open."""
    rows = [
        ("t/4", f, "e", "detection", "", "auroc", run, v, low, high)
        for f, run, v, low, high in [
            (1, "a", 0.9, 0.8, 1.0), (1, "b", 0.5, 0.4, 0.6),
            (2, "a", 0.9, 0.8, 1.0), (2, "b", 0.8, 0.7, 0.9),
            (3, "a", 0.9, 0.8, 1.0), (3, "b", None, None, None),
        ]
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=NOTHING.columns)
    rules = Rules(max_drop=None, min_coverage=None, same_judge=False, watched=("t/4#1", "t/4#2", "t/4#3", "t/4#9"))
    found = [check.verdict for check in hold(rules, measured(watched=frame))]
    assert found == [Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE]


@given(VERDICTS, VERDICTS, st.booleans())
def test_a_failure_needs_its_confirmation(first: Verdict, second: Verdict, is_noisy: bool) -> None:
    """Only a failure measured twice stays one; one that does not come again is open, never a pass; others stay."""
    (found,) = confirmed([Check("drop", "x", first, "", is_noisy)], [Check("drop", "x", second, "", is_noisy)])
    if first is not Verdict.FAIL or not is_noisy:
        assert found.verdict is first
    else:
        assert found.verdict is (Verdict.FAIL if second is Verdict.FAIL else Verdict.INCONCLUSIVE)
    (alone,) = confirmed([Check("drop", "x", first, "", is_noisy)], [])
    assert alone.verdict is first
