"""One feature as a page shows it: labels, scores beside their controls, and held-out windows with predictions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from autointerp.analysis.certificates import Certificate, read_certificates, standing
from autointerp.analysis.coverage import evidence_sentence
from autointerp.analysis.diagnosis import tag_text
from autointerp.analysis.figures import number
from autointerp.analysis.names import has_names
from autointerp.analysis.summary import CONTROLS
from autointerp.analysis.values import NO_LABEL, is_headline, measure_name
from autointerp.core.draws import draw
from autointerp.core.types import FeatureId
from autointerp.report.choice import main_explainer
from autointerp.report.diagnoses import NO_TAGS, Tags
from autointerp.report.tables import RunTables
from autointerp.report.windows import DEFAULT_SCALE, Run, activation_runs, predicted_runs

N_TOP, N_DRAWN = 3, 3
"""Held-out windows on a card: the strongest, then some drawn from the rest, silent ones among them."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label as shown; ``explainer`` says who wrote it, ``diagnosis`` what is the matter with it ("" = nothing)."""

    explainer: str
    model: str
    text: str
    diagnosis: str = ""


@dataclass(frozen=True, slots=True)
class CardScore:
    """One measure of one label, with what each control got on the same feature."""

    explainer: str
    measure: str
    standing: str
    value: str
    read: str
    chance: str
    controls: str


@dataclass(frozen=True, slots=True)
class _ScoreName:
    """What a certificate is looked up by."""

    scorer: str
    variant: str
    metric: str
    judge: str


@dataclass(frozen=True, slots=True)
class WindowView:
    """A held-out window: truth, and below it what the label made the judge predict (if it was asked).

    ``unread`` says on how many tokens no prediction could be read: they look like predictions of 0.
    """

    stratum: str
    truth: tuple[Run, ...]
    predicted: tuple[Run, ...]
    detection: str
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One feature. ``explainer`` is the one whose predictions the windows show."""

    feature: FeatureId
    status: str
    density: str
    peak: str
    single_token: str
    labels: tuple[Label, ...]
    scores: tuple[CardScore, ...]
    windows: tuple[WindowView, ...]
    explainer: str
    tested_on: str = ""
    has_text: bool = True

    @property
    def anchor(self) -> str:
        """The card's id on the page: letters, digits and hyphens only."""
        return "f-" + "".join(char if char.isascii() and char.isalnum() else "-" for char in str(self.feature))


def build_cards(
    run: RunTables, chosen: Sequence[FeatureId], *, seed: int = 0, tags: Tags = NO_TAGS, with_text: bool = True
) -> tuple[Card, ...]:
    """Return one card a feature, in the order given; without *with_text* without windows."""
    names = ("features", "explanations", "scores", "evidence", "predictions")
    parts = {name: _by_feature(run[name], chosen) for name in names}
    sight = _Sight(main_explainer(run["explanations"]), predicted_scale(run.manifest), seed, tags, with_text)
    certificates = read_certificates(run["certificates"])
    return tuple(
        _card(feature, {n: parts[n].get(feature, run[n].iloc[:0]) for n in names}, certificates, sight)
        for feature in chosen
    )


@dataclass(frozen=True, slots=True)
class _Sight:
    """How features are shown: whose predictions, up to which digit, which windows are drawn, tags of labels, text."""

    explainer: str
    scale: float
    seed: int
    tags: Tags
    with_text: bool


def predicted_scale(manifest: Mapping[str, Any]) -> float:
    """Return the largest digit a simulating judge could say in this run."""
    config = manifest.get("config")
    score = config.get("score") if isinstance(config, Mapping) else None
    scale = score.get("scale") if isinstance(score, Mapping) else None
    return float(scale) if isinstance(scale, int) else DEFAULT_SCALE


def _by_feature(frame: pd.DataFrame, chosen: Sequence[FeatureId]) -> dict[FeatureId, pd.DataFrame]:
    wanted = set(chosen)
    near = frame[frame["feature"].isin([feature.index for feature in chosen])]
    groups = ((FeatureId(str(d), int(str(f))), group) for (d, f), group in near.groupby(["dictionary", "feature"]))
    return {feature: group for feature, group in groups if feature in wanted}


def _card(
    feature: FeatureId, parts: Mapping[str, pd.DataFrame], certificates: Sequence[Certificate], sight: _Sight
) -> Card:
    row = next(iter(parts["features"].to_dict("records")), {})
    peak = float(row.get("peak", 0.0))
    single = row.get("fraction_single_token")
    return Card(
        feature=feature,
        status=str(row.get("status", "not on record")).replace("_", " "),
        density=f"{float(row.get('density', 0.0)):.2e}",
        peak=number(peak),
        single_token="not measured" if single is None or pd.isna(single) else number(float(single)),
        labels=_labels(parts["explanations"], sight.tags),
        scores=tuple(_card_scores(parts["scores"], parts["explanations"], certificates)),
        windows=tuple(_windows(parts, peak, sight)) if sight.with_text else (),
        explainer=sight.explainer,
        tested_on=evidence_sentence(parts["evidence"]),
        has_text=sight.with_text,
    )


def _labels(explanations: pd.DataFrame, tags: Tags) -> tuple[Label, ...]:
    rows = explanations[~explanations["explainer"].astype(str).str.startswith("control:")].to_dict("records")
    return tuple(
        Label(str(r["explainer"]), str(r["model"]), str(r["text"]), tag_text(tags.get(str(r["explanation"]), ())))
        for r in rows
    )


def _card_scores(
    scores: pd.DataFrame, explanations: pd.DataFrame, certificates: Sequence[Certificate]
) -> Iterator[CardScore]:
    """Yield the headline measures of real labels in the order of the table."""
    writers = dict(zip(explanations["explanation"], explanations["explainer"], strict=True))
    real, controls = scores[scores["control"] == "none"], scores[scores["control"] != "none"]
    for row in real.to_dict("records"):
        if is_headline(str(row["scorer"]), str(row["metric"])):
            name = _ScoreName(*(str(row[part]) for part in ("scorer", "variant", "metric", "judge")))
            yield CardScore(
                explainer=str(writers.get(row["explanation"], NO_LABEL)),
                measure=measure_name(name.scorer, name.variant, name.metric),
                standing=standing(name, certificates),
                value=_value(row),
                read=f"{row['n_read']}/{row['n_asked']}",
                chance=number(_none_if_nan(row["chance"])),
                controls=_control_text(controls, row),
            )


def _value(row: Mapping[Any, Any]) -> str:
    value, low, high = (_none_if_nan(row[name]) for name in ("value", "low", "high"))
    if value is None:
        return f"unscored: {row['status']}".replace("_", " ") + (f" ({row['reason']})" if row["reason"] else "")
    return number(value) + ("" if low is None or high is None else f" [{number(low)}, {number(high)}]")


def _none_if_nan(cell: float | None) -> float | None:
    return None if cell is None or pd.isna(cell) else float(cell)


def _control_text(controls: pd.DataFrame, row: Mapping[Any, Any]) -> str:
    """Return ``shuffled 0.10 · blank 0.02``, draws averaged, or that no control was scored."""
    same = has_names(controls, {name: row[name] for name in ("scorer", "variant", "metric")})
    rows = controls[same].dropna(subset=["value"])
    means = rows.groupby("control")["value"].mean()
    order = [name for name in CONTROLS if name in means.index] + sorted(set(means.index) - set(CONTROLS))
    return " · ".join(f"{name} {number(float(means[name]))}" for name in order) or "none scored"


# ---- windows


def _windows(parts: Mapping[str, pd.DataFrame], peak: float, sight: _Sight) -> Iterator[WindowView]:
    held_out = parts["evidence"][parts["evidence"]["side"] == "held_out"]
    tokens = _token_map(held_out)
    simulated, detected = _simulated(parts, sight.explainer), _detected(parts, sight.explainer)
    for row in _chosen_windows(held_out, sight.seed):
        place = (str(row["doc"]), int(row["start"]))
        span = range(place[1], place[1] + max(len(row["tokens"]), len(simulated.get(place, ()))))
        cells = [tokens.get((place[0], at), ("□", 0.0)) for at in span]
        words, activations = [word for word, _ in cells], [activation for _, activation in cells]
        guesses = [simulated.get(place, {}).get(i) for i in range(len(words))]
        n_unread = sum(guess is None for guess in guesses)
        was_asked = place in simulated
        yield WindowView(
            stratum=str(row["stratum"]),
            truth=activation_runs(words, activations, peak=peak),
            predicted=predicted_runs(words, guesses, scale=sight.scale) if was_asked else (),
            detection=detected.get(place, ""),
            unread=f"{n_unread} of {len(words)} tokens without a readable prediction" if was_asked and n_unread else "",
        )


def _token_map(held_out: pd.DataFrame) -> dict[tuple[str, int], tuple[str, float]]:
    """Return token and activation by document and place: simulation windows span neighbouring tiles."""
    return {
        (str(row["doc"]), int(row["start"]) + i): (str(token), float(activation))
        for row in held_out.to_dict("records")
        for i, (token, activation) in enumerate(zip(row["tokens"], row["activations"], strict=True))
    }


def _chosen_windows(held_out: pd.DataFrame, seed: int) -> list[dict[Any, Any]]:
    """Return the strongest windows, then draws from the rest; halves of simulation windows are not windows."""
    rows = held_out[held_out["stratum"] != "neighbour"].drop_duplicates(["doc", "start"]).to_dict("records")
    ranked = sorted(rows, key=lambda row: -max(row["activations"], default=0.0))
    rest = draw(ranked[N_TOP:], N_DRAWN, seed=seed, key=lambda row: f"{row['doc']}:{row['start']}")
    return ranked[:N_TOP] + rest


def _of_explainer(parts: Mapping[str, pd.DataFrame], scorer: str, explainer: str) -> list[dict[Any, Any]]:
    explanations, predictions = parts["explanations"], parts["predictions"]
    keys = explanations.loc[explanations["explainer"] == explainer, "explanation"]
    mine = (
        (predictions["scorer"] == scorer) & (predictions["control"] == "none") & predictions["explanation"].isin(keys)
    )
    return list(predictions[mine].to_dict("records"))


def _simulated(parts: Mapping[str, pd.DataFrame], explainer: str) -> dict[tuple[str, int], dict[int, float | None]]:
    """Return the predicted value by window and position, None where it could not be read."""
    found: dict[tuple[str, int], dict[int, float | None]] = {}
    for row in _of_explainer(parts, "simulation", explainer):
        doc, start, position = str(row["item"]).rsplit(":", 2)
        found.setdefault((doc, int(start)), {})[int(position)] = _none_if_nan(row["guess"])
    return found


def _detected(parts: Mapping[str, pd.DataFrame], explainer: str) -> dict[tuple[str, int], str]:
    """Return ``P(yes) 0.81 · truth: fires`` by window."""
    found = {}
    for row in _of_explainer(parts, "detection", explainer):
        doc, start = str(row["item"]).rsplit(":", 1)
        guess = _none_if_nan(row["guess"])
        said = f"P(yes) {number(guess)}" if guess is not None else f"unread: {row['reason']}".replace("_", " ")
        found[doc, int(start)] = f"{said} · truth: {'fires' if row['truth'] > 0 else 'silent'}"
    return found
