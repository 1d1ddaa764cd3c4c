"""Made-up families: equally good at every width, yet a 50/50 test with unverified silence says otherwise."""

import numpy as np
import pytest

from autointerp.trust.widening import Widening, as_tables, widening_family

MANY = Widening(n_features=2000)


def test_nothing_but_density_changes() -> None:
    """The truth is the same at every width; features get rarer, the mean density as the widths say."""
    family = widening_family(MANY, seed=0)
    means = family.groupby("width")[["truth", "density"]].mean()
    assert np.ptp(means["truth"]) < 0.002
    assert means["density"].to_numpy() == pytest.approx(MANY.l0 / np.array(MANY.widths), rel=0.1)


def test_a_naive_test_sees_a_rise_of_0_14() -> None:
    """Tiles of any text that pass for silent: common features lose; tiles that are silent: nothing is seen."""
    means = widening_family(MANY, seed=0).groupby("width")[["naive", "verified"]].mean()
    rise = means.iloc[-1] - means.iloc[0]
    assert rise["naive"] == pytest.approx(0.14, abs=0.02)
    assert rise["verified"] == pytest.approx(0, abs=0.01)


def test_precision_falls_with_density() -> None:
    """On all text a label of the same quality has less precision, for what it wrongly fits stays."""
    precision = widening_family(MANY, seed=0).groupby("width")["precision"].mean()
    assert (precision.diff().dropna() < -0.03).all()


def test_planted_slope() -> None:
    """The true balanced accuracy changes by the slope each doubling, at every density."""
    world = Widening(recall=0.8, false_fire=0.2, slope=0.03, n_features=2000)
    truth = widening_family(world, seed=0).groupby("width")["truth"].mean()
    assert truth.diff().dropna().to_numpy() == pytest.approx(0.03, abs=0.003)


def test_tables_hold_every_defined_score() -> None:
    """One score a feature, in the columns of a run; what is undefined has no row."""
    family = widening_family(Widening(n_features=5), seed=0)
    tables = as_tables(family, "naive")
    assert tables["scores"]["value"].tolist() == family["naive"].tolist()
    assert len(as_tables(family.assign(naive=np.nan), "naive")["scores"]) == 0
