"""What judges say of windows, put together over features: by stratum, and by how sure they were."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from autointerp.analysis.human import WINDOW_SCORERS
from autointerp.analysis.names import FEATURE
from autointerp.analysis.votes import by_feature, limits, over_features, share_of_yes
from autointerp.metrics.intervals import wilson_interval
from autointerp.trust.panel import YES

STRATA = ["stratum", "value", "low", "high", "control", "n_items", "n_features"]
BINS = ["control", "low", "high", "said", "fires", "fires_low", "fires_high", "n"]
N_BINS = 10


def window_answers(predictions: pd.DataFrame, *, scorer: str, judge: str) -> pd.DataFrame:
    """Return the readable answers about whole windows, of own and of other features' labels."""
    mine = (predictions["scorer"] == scorer) & (predictions["judge"] == judge) & predictions["guess"].notna()
    # Fuzzing's misplaced marks have no weight: they are no windows of the population.
    shown = predictions["control"].isin(["none", "shuffled"]) & (predictions["weight"] > 0)
    return predictions[mine & shown] if scorer in WINDOW_SCORERS else predictions.iloc[:0]


def answers_by_stratum(answers: pd.DataFrame, evidence: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Return the share of yes in each stratum of windows, columns ``STRATA``: strong ones first, silent ones last.

    Windows count as they were sampled. Intervals are over features, Wilson's over their number where a
    bootstrap has none; ``control``: the share with another feature's label, NaN where none was asked.

    Args:
        answers: Of ``window_answers``.
        evidence: Says of which stratum each held-out window is.
        seed: Decides the draws of the bootstrap.
    """
    held_out = evidence[(evidence["side"] == "held_out") & (evidence["stratum"] != "neighbour")]
    items = held_out["doc"].astype(str) + ":" + held_out["start"].astype(str)
    places = held_out[[*FEATURE, "stratum"]].assign(item=items).drop_duplicates([*FEATURE, "item"])
    found = answers.merge(places, on=[*FEATURE, "item"])
    own, others = found[found["control"] == "none"], found[found["control"] == "shuffled"]
    beside = (others["guess"] >= YES).astype(float).groupby(others["stratum"]).mean()
    order = sorted(map(str, own["stratum"].unique()), key=_strength)
    rows = [_stratum(name, own[own["stratum"] == name], beside, seed) for name in order]
    return pd.DataFrame(rows, columns=STRATA)


def _strength(stratum: str) -> tuple[int, int, str]:
    """Return what sorts strata from strong to silent: top, the highest bin of activation, …, random, silent ones."""
    kind, _, number = stratum.partition(":")
    rank = {"top": 0, "firing": 1, "random": 2}.get(kind, 3)
    return rank, -int(number) if number.isdecimal() else 0, stratum


def _stratum(name: str, rows: pd.DataFrame, beside: "pd.Series[float]", seed: int) -> tuple[object, ...]:
    counts = by_feature(rows, (rows["guess"] >= YES).to_numpy(np.int64), 2)
    share = float(counts[:, 1].sum() / counts.sum())
    interval = over_features(counts, share_of_yes, seed, ("stratum", name)) or wilson_interval(share, len(counts))
    low, high = (np.nan if end is None else end for end in limits(interval))
    return name, share, low, high, float(beside.get(name, np.nan)), len(rows), len(counts)


def calibration_bins(answers: pd.DataFrame) -> pd.DataFrame:
    """Return of each tenth of P(yes) what share of windows fires, columns ``BINS``.

    ``low`` <= P < ``high``, of the last one <=. Intervals are Wilson's over windows, as if each stood for itself:
    rather too narrow. Empty bins are left out.
    """
    found = answers.assign(
        bin=np.minimum((answers["guess"].to_numpy(np.float64) * N_BINS + 1e-9).astype(int), N_BINS - 1)
    )
    groups = found.groupby(["control", "bin"], sort=True)
    return pd.DataFrame([row for key, group in groups for row in _bin(key, group)], columns=BINS)


def _bin(key: tuple[object, ...], group: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    control, place = str(key[0]), int(str(key[1]))
    fires, n = float((group["truth"] > 0).mean()), len(group)
    low, high = wilson_interval(fires, n) or (np.nan, np.nan)
    yield control, place / N_BINS, (place + 1) / N_BINS, float(group["guess"].mean()), fires, low, high, n


def base_rate(answers: pd.DataFrame) -> float | None:
    """Return the share of own labels' windows that fire, None where none was answered."""
    own = answers[answers["control"] == "none"]
    return float((own["truth"] > 0).mean()) if len(own) else None
