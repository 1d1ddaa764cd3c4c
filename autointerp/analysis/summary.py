"""Scores of many features as one line a dictionary and measure, with interval, coverage and controls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autointerp.analysis.estimates import Estimate, estimate_mean, n_for_half_width
from autointerp.analysis.names import groups, has_names, kept
from autointerp.analysis.values import MEASURE, is_headline, is_main, measure_name

CONTROLS = ("shuffled", "blank", "lookup")
NEVER_ASKED = frozenset({"dead", "too_few_examples", "not_sampled"})


@dataclass(frozen=True, slots=True)
class Against:
    """A control beside the labels: its own mean, and the mean of the per-feature differences."""

    control: str
    mean: Estimate
    excess: Estimate


@dataclass(frozen=True, slots=True)
class Line:
    """One dictionary, explainer, scorer, variant, metric and judge.

    ``per_firing`` weights each feature by its density. ``chance`` is None when a worthless label has
    no fixed score. ``unscored`` counts the asked features without a value by reason. ``single_token``
    is the median over the scored features of the share of firings on one token: where it is high, a
    good score needs no interpretation.
    """

    dictionary: str
    width: int | None
    explainer: str
    scorer: str
    variant: str
    metric: str
    judge: str
    chance: float | None
    mean: Estimate
    per_firing: Estimate
    n_asked: int
    unscored: tuple[tuple[str, int], ...]
    against: tuple[Against, ...]
    single_token: float | None = None

    @property
    def is_headline(self) -> bool:
        return is_headline(self.scorer, self.metric)

    @property
    def is_main(self) -> bool:
        return is_main(self.scorer, self.variant, self.metric)

    @property
    def measure(self) -> str:
        """Scorer, variant and metric as one phrase."""
        return measure_name(self.scorer, self.variant, self.metric)

    def control(self, name: str) -> Against | None:
        """Return the control of this name, or None when it was not asked for."""
        return next((a for a in self.against if a.control == name), None)


def control_names(lines: Sequence[Line]) -> list[str]:
    """Return the controls that were asked for: known ones in their order, then others."""
    present = {a.control for line in lines for a in line.against}
    return [name for name in CONTROLS if name in present] + sorted(present - set(CONTROLS))


def width_of(dictionary: str, dictionaries: pd.DataFrame) -> int | None:
    """Return the width on record, else the number after the last slash, else None."""
    on_record = dictionaries.loc[dictionaries["dictionary"] == dictionary, "width"] if len(dictionaries) else None
    if on_record is not None and len(on_record):
        return int(on_record.iloc[0])
    last = dictionary.rsplit("/", 1)[-1]
    return int(last) if last.isdecimal() else None


def summary_lines(
    values: pd.DataFrame, features: pd.DataFrame, dictionaries: pd.DataFrame, *, seed: int = 0
) -> tuple[Line, ...]:
    """Return the lines, narrow dictionaries first.

    Asked = every feature that was drawn, also where no label could be written; a feature without
    any row counts as its ``features.status``, or as ``pending``. *values*: of ``feature_values``.
    """
    is_real = (values["control"] == "none").to_numpy()
    real, controls = kept(values, is_real), values[~is_real]
    if real.empty:
        return ()
    mine = dict(groups(features, ["dictionary"]))
    lines = [
        _line(key, group, controls, mine.get(key[:1], features.iloc[:0]), width_of(key[0], dictionaries), seed)
        for key, group in groups(real, ["dictionary", *MEASURE])
    ]
    return tuple(sorted(lines, key=lambda line: (line.width or 0, line.dictionary)))


def _line(
    key: tuple[str, ...],
    group: pd.DataFrame,
    controls: pd.DataFrame,
    mine: pd.DataFrame,
    width: int | None,
    seed: int,
) -> Line:
    dictionary, explainer, scorer, variant, metric, judge = key
    scored = group.dropna(subset=["value"]).set_index("feature")["value"].astype(float)
    drawn = _drawn(mine)
    return Line(
        dictionary=dictionary,
        width=width,
        explainer=explainer,
        scorer=scorer,
        variant=variant,
        metric=metric,
        judge=judge,
        chance=_mean_or_none(group["chance"]),
        mean=estimate_mean(np.asarray(scored, dtype=np.float64), seed=seed, about=(*key, "mean")),
        per_firing=_per_firing(scored, mine.set_index("feature")["density"], seed, key),
        n_asked=len(drawn.index.union(pd.Index(group["feature"])).unique()),
        unscored=_unscored(group, drawn),
        against=tuple(_against(scored, _controls_of(controls, key), seed, key)),
        single_token=_single_token(mine, scored),
    )


def _drawn(features: pd.DataFrame) -> pd.Series:
    """Return the status of each feature that was drawn for explaining, by feature."""
    return features[~features["status"].isin(NEVER_ASKED)].set_index("feature")["status"]


def _single_token(features: pd.DataFrame, scored: pd.Series) -> float | None:
    """Return the median single-token share of the scored features, or None where none was measured."""
    shares = features.loc[features["feature"].isin(scored.index)].get("fraction_single_token")
    known = shares.dropna() if shares is not None else pd.Series(dtype=float)
    return float(known.astype(float).median()) if len(known) else None


def _mean_or_none(column: pd.Series) -> float | None:
    numbers = column.dropna()
    return float(numbers.astype(float).mean()) if len(numbers) else None


def _per_firing(scored: pd.Series, density: pd.Series, seed: int, key: tuple[str, ...]) -> Estimate:
    """Return the mean over firings: each feature weighted by its density (per token)."""
    weights = density[~density.index.duplicated()].reindex(scored.index).fillna(0.0)
    about = (*key, "per firing")
    return estimate_mean(np.asarray(scored, dtype=np.float64), weights=weights.to_numpy(float), seed=seed, about=about)


def _unscored(group: pd.DataFrame, drawn: pd.Series) -> tuple[tuple[str, int], ...]:
    """Return (reason, n) of the asked features without a value, most frequent first."""
    with_row = group.loc[group["value"].isna(), "status"]
    without = drawn[~drawn.index.isin(group["feature"])].astype(str).replace("scored", "pending")
    counts = pd.concat([with_row, without]).astype(str).value_counts()
    return tuple(sorted(((str(r), int(n)) for r, n in counts.items()), key=lambda pair: (-pair[1], pair[0])))


def _controls_of(controls: pd.DataFrame, key: tuple[str, ...]) -> pd.DataFrame:
    """Return the control values a line may be compared with; the look-up has no judge of its own."""
    dictionary, _, scorer, variant, metric, judge = key
    same = {"dictionary": dictionary, "scorer": scorer, "variant": variant, "metric": metric}
    judged = (controls["judge"] == judge) | (controls["control"] == "lookup")
    return controls[has_names(controls, same) & judged.to_numpy()]


def _against(scored: pd.Series, controls: pd.DataFrame, seed: int, key: tuple[str, ...]) -> Iterator[Against]:
    others = sorted(set(controls["control"]) - set(CONTROLS))
    for name in (*CONTROLS, *others):
        rows = controls[controls["control"] == name]
        if rows.empty:
            continue
        value = rows.dropna(subset=["value"]).groupby("feature")["value"].mean().astype(float)
        pairs = (scored - value).dropna()
        yield Against(
            control=name,
            mean=estimate_mean(value.to_numpy(np.float64), seed=seed, about=(*key, name)),
            excess=estimate_mean(pairs.to_numpy(np.float64), seed=seed, about=(*key, "excess", name)),
        )


def summary(lines: tuple[Line, ...]) -> pd.DataFrame:
    """Return the lines as a frame: one row a line, intervals as ``*_low`` and ``*_high``, None as NaN."""
    return pd.DataFrame([_row(line) for line in lines])


def _row(line: Line) -> dict[str, object]:
    names = ("dictionary", "width", "explainer", "scorer", "variant", "metric", "judge", "chance", "n_asked")
    row: dict[str, object] = {name: getattr(line, name) for name in names}
    row |= {"n_scored": line.mean.n, "sd": line.mean.sd, "n_for_half_width_0.05": n_for_half_width(line.mean.sd)}
    row |= {"median_single_token": np.nan if line.single_token is None else line.single_token}
    row |= {"unscored": "; ".join(f"{reason} {n}" for reason, n in line.unscored)}
    row |= _columns("value", line.mean) | _columns("per_firing", line.per_firing)
    for a in line.against:
        row |= _columns(a.control, a.mean) | _columns(f"excess_{a.control}", a.excess)
        row[f"n_pairs_{a.control}"] = a.excess.n
    row["note"] = "" if line.mean.n >= 2 else f"no interval: {line.mean.n} scored"
    return row


def _columns(name: str, e: Estimate) -> dict[str, float]:
    return {
        column: np.nan if number is None else number
        for column, number in ((name, e.value), (f"{name}_low", e.low), (f"{name}_high", e.high))
    }
