"""A run's labelled features for the terminal, one line each."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.store.parts import read_table

HEADLINE = (("simulation", "top_and_random", "correlation"), ("detection", "", "auroc"))


@dataclass(frozen=True)
class FeatureLine:
    """One labelled feature."""

    feature: str
    density: float
    label: str
    explainer: str
    scores: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        scores = " · ".join(f"{name} {value}" for name, value in self.scores.items())
        return f"{self.feature:20} {printable(self.label)}\n{'':20} {scores or 'not scored yet'}"


def printable(text: str) -> str:
    """Return the text on one line without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else {"\n": "\u23ce", "\t": "\u21e5"}.get(c, "\ufffd") for c in text)


def feature_lines(run_dir: Path) -> list[FeatureLine]:
    """Return the run's labelled features in order."""
    labels, scores, features = (read_table(run_dir, t) for t in ("explanations", "scores", "features"))
    density = features.set_index(["dictionary", "feature"])["density"]
    real = labels[~labels["explainer"].str.startswith("control:")]
    ordered = real.assign(width=real["dictionary"].str.len()).sort_values(["width", "dictionary", "feature"])
    return [_line(row, scores, float(density.loc[row["dictionary"], row["feature"]])) for _, row in ordered.iterrows()]


def _line(label: "pd.Series[Any]", scores: pd.DataFrame, density: float) -> FeatureLine:
    mine = scores[(scores["explanation"] == label["explanation"]) & (scores["control"] == "none")]
    shown = {}
    for scorer, variant, metric in HEADLINE:
        found = mine[(mine["scorer"] == scorer) & (mine["variant"] == variant) & (mine["metric"] == metric)]
        for _, row in found.iterrows():
            shown[f"{scorer} {metric}"] = _number(row)
    name = f"{label['dictionary']}#{label['feature']}"
    return FeatureLine(name, density, str(label["text"]), str(label["explainer"]), shown)


def _number(row: "pd.Series[Any]") -> str:
    if pd.isna(row["value"]):
        return f"unscored ({row['status']})"
    interval = "" if pd.isna(row["low"]) else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return f"{row['value']:.2f}{interval} ({row['n_read']}/{row['n_asked']})"
