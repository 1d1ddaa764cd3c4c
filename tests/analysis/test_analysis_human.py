"""Agreement of people with the truth, judges and each other: known answers, and what is left out."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.human import HumanAgreement, Pairing, agreement_of_run, standing_answers
from autointerp.core.draws import uniform
from autointerp.store.schemas import TABLES

ITEMS = 4


def row(table: str, **cells: Any) -> dict[str, Any]:
    return dict.fromkeys(TABLES[table].names) | cells


def rating(
    feature: int, item: int, answer: str, *, rater: str = "ada", control: str = "none", time: str = "t0"
) -> dict[str, Any]:
    return row(
        "ratings", rater=rater, time=time, dictionary="d/1", feature=feature, explanation=f"e{feature}{control}",
        control=control, item=f"doc:{item}", answer=answer, seconds=1.0,
    )  # fmt: skip


def window(feature: int, item: int, *, fires: bool) -> dict[str, Any]:
    return row(
        "evidence", dictionary="d/1", feature=feature, side="held_out", doc="doc", start=item, tokens=["a", "b"],
        activations=[0.0, float(fires)], stratum="random", weight=1.0,
    )  # fmt: skip


def guess(
    feature: int, item: int, value: float | None, *, scorer: str = "detection", control: str = "none"
) -> dict[str, Any]:
    return row(
        "predictions", dictionary="d/1", feature=feature, explanation=f"e{feature}{control}", scorer=scorer,
        variant="", judge="local:j", control=control, draw=0, item=f"doc:{item}", truth=1.0, guess=value,
    )  # fmt: skip


def agreement(
    ratings: list[dict[str, Any]],
    windows: Sequence[dict[str, Any]] = (),
    guesses: Sequence[dict[str, Any]] = (),
) -> HumanAgreement:
    rows = {"ratings": ratings, "evidence": windows, "predictions": guesses}
    return agreement_of_run({name: pd.DataFrame(rows[name], columns=TABLES[name].names) for name in rows})


def only(found: HumanAgreement, kind: str) -> Pairing:
    (pairing,) = (p for p in found.pairings if p.kind == kind)
    return pairing


def places(n_features: int = 6) -> list[tuple[int, int]]:
    return list(product(range(n_features), range(ITEMS)))


def test_kappa_by_hand() -> None:
    """Equal on 3 of 4 of every feature, chance agrees on half: kappa (0.75 - 0.5) / 0.5, a share of yes of 3/8."""
    said = ["yes", "no", "no", "no"]
    ratings = [rating(f, i, said[i]) for f, i in places()]
    windows = [window(f, i, fires=i < 2) for f, i in places()]
    found = only(agreement(ratings, windows), "truth")
    assert (found.raw, found.kappa, found.prevalence) == (0.75, pytest.approx(0.5), 0.375)
    assert (found.n_items, found.n_features) == (24, 6)
    assert found.raw_low is not None
    assert found.raw_high is not None
    assert found.raw_low < 0.75 < found.raw_high


def test_perfect_and_opposite() -> None:
    """The same answers have kappa 1, the opposite ones -1; a perfect share is not certain from six features."""
    windows = [window(f, i, fires=i % 2 == 0) for f, i in places()]
    for yes, kappa, raw in ((0, 1.0, 1.0), (1, -1.0, 0.0)):
        ratings = [rating(f, i, "yes" if i % 2 == yes else "no") for f, i in places()]
        found = only(agreement(ratings, windows), "truth")
        assert (found.kappa, found.raw) == (pytest.approx(kappa), raw)
        assert found.raw_low is not None
        assert found.raw_high is not None
        assert found.raw_high - found.raw_low > 0.2


def test_who_always_says_yes_is_found_out() -> None:
    """Yes throughout: no kappa above 0 with the truth, and every foreign label gets a yes."""
    ratings = [rating(f, i, "yes", control=c) for f, i in places() for c in ("none", "shuffled")]
    windows = [window(f, i, fires=i % 2 == 0) for f, i in places()]
    found = agreement(ratings, windows)
    truth = only(found, "truth")
    assert truth.kappa == pytest.approx(0.0)
    assert truth.n_items == 24
    (rater,) = found.raters
    assert (rater.false_yes, rater.n_control, rater.n_control_features) == (1.0, 24, 6)
    assert rater.false_yes_low is not None
    assert rater.false_yes_low < 1


def test_one_answer_throughout_has_no_kappa() -> None:
    """Nothing but no on both sides: equal throughout, and no kappa, with the reason."""
    found = only(
        agreement([rating(f, 0, "no") for f in range(6)], [window(f, 0, fires=False) for f in range(6)]), "truth"
    )
    assert (found.raw, found.kappa, found.kappa_low) == (1.0, None, None)
    assert found.note


def test_the_interval_draws_whole_features() -> None:
    """A hundred answers to one feature are no more certain than one: the interval does not shrink with them."""

    def width(n_items: int) -> float:
        ratings = [rating(f, i, "yes" if f % 2 else "no") for f in range(48) for i in range(n_items)]
        windows = [window(f, i, fires=f < 24) for f in range(48) for i in range(n_items)]
        found = only(agreement(ratings, windows), "truth")
        assert found.raw_low is not None
        assert found.raw_high is not None
        return found.raw_high - found.raw_low

    assert width(10) == pytest.approx(width(1))
    # Half of 48 features agree: 2 * 1.96 * sqrt(0.25 / 48).
    assert width(1) == pytest.approx(0.28, abs=0.04)


def test_the_interval_of_kappa_is_kappas() -> None:
    """Answers that owe the truth nothing: kappa's interval holds 0 and lies below the share of equal answers."""
    ratings = [rating(f, i, "yes" if uniform(0, "said", f, i) < 0.5 else "no") for f, i in places(60)]
    windows = [window(f, i, fires=uniform(0, "fires", f, i) < 0.5) for f, i in places(60)]
    found = only(agreement(ratings, windows), "truth")
    assert found.kappa is not None
    assert found.kappa_low is not None
    assert found.kappa_high is not None
    assert found.kappa_low < 0 < found.kappa_high < found.raw
    assert found.kappa_low < found.kappa < found.kappa_high
    assert found.kappa_high - found.kappa_low == pytest.approx(2 * 1.96 / 240**0.5, abs=0.06)


def test_judges_by_scorer_and_by_control() -> None:
    """Detection and fuzzing stand apart, other features' labels too; unread and other scorers' answers are left out."""
    ratings = [rating(f, i, "yes" if i < 2 else "no", control=c) for f, i in places() for c in ("none", "shuffled")]
    guesses = [guess(f, i, 0.9 if i < 2 else 0.1) for f, i in places()]
    guesses += [guess(f, i, 0.5, scorer="fuzzing") for f, i in places()]
    guesses += [guess(f, i, 0.2, control="shuffled") for f, i in places()[1:]]
    guesses += [guess(0, 0, None, control="shuffled"), *[guess(f, i, 1.0, scorer="simulation") for f, i in places()]]
    found = agreement(ratings, [], guesses)
    raw = {(p.scorer, p.control): (p.raw, p.n_items) for p in found.pairings}
    assert raw == {
        ("detection", "none"): (1.0, 24),
        ("fuzzing", "none"): (0.5, 24),
        ("detection", "shuffled"): (pytest.approx(12 / 23), 23),
    }
    assert found.raters[0].n_judged == 47


def test_two_raters_on_what_both_answered() -> None:
    """Only windows that both decided count; who could not tell is counted apart and agrees with nobody."""
    ratings = [rating(f, i, "yes" if i else "no") for f, i in places()]
    ratings += [rating(f, i, "yes" if i else "unsure", rater="bo") for f, i in places(4)]
    found = agreement(ratings)
    pair = only(found, "rater")
    assert (pair.rater, pair.other, pair.n_items, pair.raw) == ("ada", "bo", 12, 1.0)
    assert {r.rater: (r.n_answers, r.n_unsure) for r in found.raters} == {"ada": (24, 0), "bo": (16, 4)}


def test_nobody_answered() -> None:
    """No ratings are no raters and no pairings, not an error."""
    assert agreement([], [window(0, 0, fires=True)], [guess(0, 0, 1.0)]) == HumanAgreement((), ())


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["yes", "no", "unsure"])), max_size=20))
def test_the_last_answer_stands(said: list[tuple[int, str]]) -> None:
    """Of a window answered again the last answer counts, in whatever order the parts are read."""
    rows = [rating(0, item, answer, time=f"t{number:03}") for number, (item, answer) in enumerate(said)]
    frame = pd.DataFrame(rows[::-1], columns=TABLES["ratings"].names)
    found = standing_answers(frame)
    assert dict(zip(found["item"], found["answer"], strict=True)) == {f"doc:{i}": answer for i, answer in said}
