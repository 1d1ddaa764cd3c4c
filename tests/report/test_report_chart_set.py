"""The set of charts: numbers as computed by hand, links to exactly what a mark shows, poor data said to be poor."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.analysis.answered import base_rate, calibration_bins
from autointerp.analysis.by_density import score_by_density as density_bins
from autointerp.report import charts
from autointerp.report.charts import Picture
from autointerp.report.charts.bars import MOST_BARS, count_in_bars, edges_of
from autointerp.report.charts.coverage import waterfall

NAN = float("nan")


def link(found: str) -> str:
    return f"/features?q={found}"


def links_of(picture: Picture) -> list[str]:
    """Return the filters of the picture's links, in the order of its marks."""
    found = re.findall(r'<a href="/features\?q=([^"]*)"', picture.svg)
    return [unquote(href).replace("&gt;", ">").replace("&lt;", "<") for href in found]


def values_of(n: int, *, equal: bool = False) -> pd.DataFrame:
    drawn = np.random.default_rng(n).uniform(0.2, 1.0, n) if not equal else np.full(n, 0.5)
    return pd.DataFrame({"dictionary": "toy/512", "feature": range(n), "value": drawn})


def means_of(*means: float, scored: int = 5, widths: tuple[int, ...] = (512, 1024, 2048, 4096)) -> pd.DataFrame:
    rows = [
        {"dictionary": f"toy/{w}", "place": f"{w:,}", "width": w, "mean": m, "low": m - 0.1, "high": m + 0.1}
        | {"scored": scored, "asked": scored + 1, "chance": 0.5, "shuffled": 0.51}
        for w, m in zip(widths, means, strict=False)
    ]
    return pd.DataFrame(rows, columns=None if rows else [*charts.layers.MEANS, "shuffled"])


def coverage_of(widths: tuple[int, ...], *, scored: int = 5) -> pd.DataFrame:
    columns = ["dictionary", "width", "n_features", "scored", "dead", "not_sampled", "n_eligible", "n_drawn"]
    rows = [(f"toy/{w}", w, w, scored, 10, w - 10 - scored, w - 10, scored) for w in widths]
    return pd.DataFrame(rows, columns=columns)


def pairs_of(n: int, *, rho: float = 0.4) -> pd.DataFrame:
    row = {"dictionary": "toy/512", "explainer": "e", "judge": "j", "first": "detection, AUROC", "second": "fuzzing"}
    known = {"rho": rho, "low": rho - 0.2, "high": rho + 0.2, "n": 20, "note": "" if rho == rho else "few"}
    names = {"first_name": "detection", "second_name": "fuzzing"}
    rows = [row | known | names | {"dictionary": f"toy/{k}"} for k in range(n)]
    return pd.DataFrame(rows, columns=[*row, *known, *names])


def strata_of(n: int, *, value: float = 0.8) -> pd.DataFrame:
    rows = [(f"firing:{k}", value, value - 0.1, value + 0.1, 0.2, 10, 5) for k in range(n)]
    return pd.DataFrame(rows, columns=charts.strata.COLUMNS)


def bins_of(n: int) -> pd.DataFrame:
    rows = [("none", k / 10, (k + 1) / 10, k / 10 + 0.05, 0.4, 0.3, 0.5, 7) for k in range(n)]
    return pd.DataFrame(rows, columns=charts.calibration.COLUMNS)


def density_of(n: int) -> pd.DataFrame:
    rows = [("toy/512", 10.0 ** (k - 5), 10.0 ** (k - 4), 3, 0.6, 0.5, 0.7, 0.5, 0.5) for k in range(n)]
    return pd.DataFrame(rows, columns=charts.density.COLUMNS)


def costs_of(n: int, *, tokens: int = 500) -> pd.DataFrame:
    columns = ["dictionary", "scorer", "n_scored", "n_decided", "calls", "tokens", "usd", "calls_each", "usd_each"]
    rows = [(f"toy/{k}", "detection", 9, 4, 90, tokens, NAN, 22.5, NAN) for k in range(n)]
    return pd.DataFrame(rows, columns=columns)


def runs_of(n: int, *, value: float = 0.6) -> pd.DataFrame:
    rows = [(f"r{k}", "2026", "j", value, value - 0.1, value + 0.1, 0.5, "judge" if k == 1 else "") for k in range(n)]
    return pd.DataFrame(rows, columns=charts.drift.COLUMNS)


def differences_of(n: int, *, equal: bool = False) -> pd.DataFrame:
    drawn = np.random.default_rng(n).normal(0.1, 0.2, n) if not equal else np.zeros(n)
    rows = [("toy/512", k, 0.5, 0.5 + d, d) for k, d in enumerate(drawn)]
    return pd.DataFrame(rows, columns=charts.difference.COLUMNS)


def distribution(values: pd.DataFrame, means: pd.DataFrame) -> Picture:
    return charts.score_distribution(values, means, title="t", metric="auroc", name="detection", link=link)


def curve(means: pd.DataFrame) -> Picture:
    return charts.width_curve(means, title="t", name="detection", link=link)


def calibration(bins: pd.DataFrame) -> Picture:
    rate = 0.4 if len(bins) else None
    return charts.judge_calibration(bins, title="t", base_rate=rate, within="judge:j", link=link)


def density(bins: pd.DataFrame) -> Picture:
    return charts.score_by_density(bins, title="t", name="detection", link=link)


Draw = Callable[[], Picture]
WHOLE: dict[str, tuple[Draw, int, tuple[str, ...]]] = {
    "distribution": (lambda: distribution(values_of(40), means_of(0.6)), -1, ("chance 0.50", "shuffled control 0.51")),
    "curve": (lambda: curve(means_of(0.5, 0.6, 0.7, 0.8)), 4, ("chance 0.50", "shuffled control 0.51")),
    "density": (lambda: density(density_of(3)), 3, ("chance 0.50", "shuffled 0.50")),
    "agreement": (lambda: charts.scorer_agreement(pairs_of(2), title="t", link=link), 2, ("chance 0",)),
    "calibration": (lambda: calibration(bins_of(4)), 4, ("Of all items 0.40 fire",)),
    "cost": (lambda: charts.cost_against_decided(costs_of(2), title="t", link=link), 2, ("4 of 9 scored",)),
    "drift": (lambda: charts.drift_over_runs(runs_of(3), title="t", link=link), 3, ("chance 0.50", "changed: judge")),
    "coverage": (lambda: charts.coverage_waterfall(coverage_of((512,)), title="t", link=link), 8, ("dead 10",)),
    "strata": (lambda: charts.yes_by_stratum(strata_of(3), title="t", link=link), 3, ("guessing 0.50",)),
    "difference": (lambda: charts.paired_difference(differences_of(40), title="t", link=link), -1, ("difference 0",)),
}
"""Each chart with how many of its marks are links (-1: as many as bars), and what its words hold."""

ONE: dict[str, tuple[Draw, bool]] = {
    "distribution, one": (lambda: distribution(values_of(1), means_of(0.6, scored=1)), True),
    "distribution, all equal": (lambda: distribution(values_of(9, equal=True), means_of(0.5)), True),
    "distribution, unscored": (lambda: distribution(values_of(3).assign(value=NAN), means_of(NAN, scored=0)), False),
    "distribution, nothing": (lambda: distribution(values_of(0), means_of()), False),
    "curve, one width": (lambda: curve(means_of(0.6)), False),
    "curve, nothing": (lambda: curve(means_of()), False),
    "curve, all equal": (lambda: curve(means_of(0.5, 0.5)), True),
    "density, one": (lambda: density(density_of(1).assign(mean_low=NAN, mean_high=NAN, control=NAN)), True),
    "density, nothing": (lambda: density(density_of(0)), False),
    "agreement, none known": (lambda: charts.scorer_agreement(pairs_of(2, rho=NAN), title="t"), False),
    "agreement, nothing": (lambda: charts.scorer_agreement(pairs_of(0), title="t"), False),
    "calibration, nothing": (lambda: calibration(bins_of(0)), False),
    "calibration, one": (lambda: calibration(bins_of(1)), True),
    "cost, no call": (lambda: charts.cost_against_decided(costs_of(2, tokens=0), title="t"), False),
    "cost, nothing": (lambda: charts.cost_against_decided(costs_of(0), title="t"), False),
    "drift, one": (lambda: charts.drift_over_runs(runs_of(1), title="t"), True),
    "drift, none scored": (lambda: charts.drift_over_runs(runs_of(2, value=NAN), title="t"), False),
    "drift, nothing": (lambda: charts.drift_over_runs(runs_of(0), title="t"), False),
    "coverage, none scored": (lambda: charts.coverage_waterfall(coverage_of((512,), scored=0), title="t"), True),
    "coverage, nothing": (lambda: charts.coverage_waterfall(coverage_of(()), title="t"), False),
    "strata, nothing": (lambda: charts.yes_by_stratum(strata_of(0), title="t"), False),
    "strata, one": (lambda: charts.yes_by_stratum(strata_of(1), title="t"), True),
    "difference, one": (lambda: charts.paired_difference(differences_of(1), title="t"), True),
    "difference, all equal": (lambda: charts.paired_difference(differences_of(5, equal=True), title="t"), True),
    "difference, nothing": (lambda: charts.paired_difference(differences_of(0), title="t"), False),
}


@pytest.mark.parametrize("name", WHOLE)
def test_each_mark_is_a_link_and_each_chart_has_words(name: str) -> None:
    """Marks link to features with a name; chance and control stand in the words; nothing else is an address."""
    draw, n_links, words = WHOLE[name]
    picture = draw()
    assert picture.svg.startswith("<svg")
    assert 'role="group"' in picture.svg.split("<title>")[0]
    assert len(picture.table)
    assert all(word in picture.description for word in words)
    filters = links_of(picture)
    assert len(filters) == (n_links if n_links >= 0 else picture.svg.count("<a ")) > 0
    assert picture.svg.count("<a ") == picture.svg.count('aria-label="') - 1 == len(filters)
    assert "http" not in picture.svg
    assert "xlink" not in picture.svg


@pytest.mark.parametrize("name", ONE)
def test_poor_data_is_drawn_or_said_to_be_poor(name: str) -> None:
    """0, 1, all equal, all unscored, one width: a picture or a frame that says why it is empty, never an exception."""
    draw, is_drawn = ONE[name]
    picture = draw()
    assert ("Nothing to draw" not in picture.svg) == is_drawn
    assert not re.search(r"\b(nan|NaN|None)\b", picture.svg)
    assert "<desc>" in picture.svg


def test_a_bar_links_to_what_it_counts() -> None:
    """Features found by each bar's filter, taken together, are all scored ones, none twice; edges are half open."""
    values = pd.concat(
        [values_of(60), pd.DataFrame({"dictionary": "toy/512", "feature": [90, 91], "value": [0.5, 1.0]})]
    )
    picture = distribution(values, means_of(0.6))
    found: list[int] = []
    for terms in links_of(picture):
        assert "dictionary:toy/512" in terms.split()
        kept = pd.Series(True, values.index)
        for low, high in re.findall(r"detection:(\S+)\.\.(\S+)", terms):
            kept &= (values["value"] >= float(low)) & (values["value"] < float(high))
        for sign, edge in re.findall(r"detection([<>]=)(\S+)", terms):
            kept &= values["value"] >= float(edge) if sign == ">=" else values["value"] <= float(edge)
        n = int(kept.sum())
        assert f": {n} features" in picture.svg
        found += values["feature"][kept].tolist()
    assert sorted(found) == sorted(values["feature"])


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60), st.integers(1, MOST_BARS))
def test_bars_hold_every_value_once(numbers: list[float], most: int) -> None:
    """Whatever the values, edges are few and hold all of them; counts add up."""
    found = np.array(numbers)
    edges = edges_of(found.min(), found.max(), most=most)
    assert edges[0] <= found.min()
    assert found.max() <= edges[-1]
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= most + 3
    assert count_in_bars(found, edges)["n"].sum() == len(found)


def test_the_waterfall_ends_at_the_scored() -> None:
    """Steps take away from all what was not scored; what is left is the scored ones."""
    steps = waterfall(coverage_of((512,), scored=7))
    lost = steps[~steps["status"].isin(["", "scored"])]
    assert 512 - lost["n"].sum() == 7 == steps["n"].iloc[-1]
    assert lost["from"].iloc[-1] == pytest.approx(7 / 512)


def test_means_by_density_are_those_of_the_features() -> None:
    """Each bin's mean, count and control are those of the features that a filter with its edges finds."""
    draws = np.random.default_rng(0)
    density = 10 ** draws.uniform(-5, -1, 200)
    score = draws.random(200)
    features = pd.DataFrame({"dictionary": "toy/512", "feature": range(200), "density": density})
    own = pd.DataFrame(
        {"dictionary": "toy/512", "feature": range(200), "value": score, "chance": 0.5, "control": "none"}
    )
    bins = density_bins(pd.concat([own, own.assign(value=score / 2, control="shuffled")]), features)
    assert bins["n"].sum() == 200
    for row in bins.to_dict("records"):
        inside = (density >= row["low"]) & (density < row["high"])
        assert row["n"] == inside.sum()
        assert row["mean"] == pytest.approx(score[inside].mean())
        assert row["control"] == pytest.approx(score[inside].mean() / 2)


def test_a_calibrated_judge_stands_on_the_diagonal() -> None:
    """Answers whose P(yes) is the truth's probability: each bin's share is within noise of what was said."""
    draws = np.random.default_rng(0)
    said = draws.random(5000)
    answers: dict[str, Any] = {"guess": said, "truth": (draws.random(5000) < said).astype(float), "control": "none"}
    bins = calibration_bins(pd.DataFrame(answers))
    assert bins["n"].sum() == 5000
    assert (abs(bins["fires"] - bins["said"]) < 0.07).all()
    assert base_rate(pd.DataFrame(answers)) == pytest.approx(answers["truth"].mean())
