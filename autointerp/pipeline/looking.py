"""A run's features for the terminal: one line each, or one page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.core.errors import ConfigError
from autointerp.core.types import FeatureId
from autointerp.store.parts import read_table

HEADLINE = (("simulation", "top_and_random", "correlation"), ("detection", "", "auroc"))
MARKS = ("\u2039", "\u203a")


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


@dataclass(frozen=True)
class FeaturePage:
    """One feature with its windows by side and stratum, activating tokens marked."""

    feature: str
    facts: dict[str, Any]
    lines: tuple[FeatureLine, ...]
    windows: dict[str, list[str]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        facts = " · ".join(f"{name} {value}" for name, value in self.facts.items())
        parts = [self.feature, facts, *[line.text() for line in self.lines]]
        for title, texts in self.windows.items():
            parts += ["", title, *[f"  {text}" for text in texts]]
        return "\n".join(parts)


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


def feature_page(run_dir: Path, name: str) -> FeaturePage:
    """Return one feature's page. Raises ConfigError when the run did not sample it."""
    try:
        feature = FeatureId.parse(name)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    features, evidence = read_table(run_dir, "features"), read_table(run_dir, "evidence")
    facts = _of(features, feature)
    if facts.empty:
        msg = (
            f"{run_dir.name} has no feature {name}; dictionaries: {', '.join(sorted(features['dictionary'].unique()))}"
        )
        raise ConfigError(msg)
    row = facts.iloc[0]
    return FeaturePage(
        feature=name,
        facts={
            "status": row["status"],
            "density": f"{row['density']:.2e}",
            "window density": f"{row['window_density']:.3f}",
            "peak": f"{row['peak']:.1f}",
            "held-out firing windows": int(row["n_held_out"]),
        },
        lines=tuple(line for line in feature_lines(run_dir) if line.feature == name),
        windows=_windows(_of(evidence, feature)),
    )


def _of(frame: pd.DataFrame, feature: FeatureId) -> pd.DataFrame:
    return frame[(frame["dictionary"] == feature.dictionary) & (frame["feature"] == feature.index)]


def _windows(rows: pd.DataFrame) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for _, row in rows[rows["stratum"] != "neighbour"].iterrows():
        found.setdefault(f"{row['side']} · {row['stratum']}", []).append(marked(row["tokens"], row["activations"]))
    return found


def marked(tokens: Sequence[str], activations: Sequence[float]) -> str:
    """Return the text with the tokens that fire between marks, safe for a terminal.

    >>> marked(["a", " cat"], [0.0, 2.0])
    'a\u2039 cat\u203a'
    """
    pieces = [
        f"{MARKS[0]}{printable(t)}{MARKS[1]}" if a > 0 else printable(t)
        for t, a in zip(tokens, activations, strict=True)
    ]
    return "".join(pieces).replace(MARKS[1] + MARKS[0], "")
