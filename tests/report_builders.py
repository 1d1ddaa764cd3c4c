"""Synthetic runs: a ladder of made-up dictionaries with known scores, without a model or a disk."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from autointerp.core.draws import content_key, generator
from autointerp.report.tables import RunTables
from autointerp.store.schemas import TABLES

HOSTILE = (
    "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>\u202eevil\x00\x1b[31m{{7*7}}|`*_[a](http://x.example)"
)
WORDS = [
    " the",
    " cat",
    " sat",
    " on",
    " a",
    ",",
    " and",
    " it",
    " said",
    ":",
    "\n",
    "World",
    " of",
    " 12",
    ".",
    "\t",
    " " * 60,
]
EXAMINED = (
    ("simulation", "correlation (random_only)"), ("simulation", "correlation (top_and_random)"), ("detection", "auroc"),
)  # fmt: skip
"""As ``trust.certificate`` names them: a variant has its own examination."""
JUDGE, WIDTHS = "local:judge", (512, 1024, 2048, 4096)

Rows = dict[str, list[dict[str, Any]]]
Builder = Callable[..., RunTables]


def frames(rows: Rows) -> dict[str, pd.DataFrame]:
    """Return one frame a table of the schema, with its columns also where there is no row."""
    return {name: pd.DataFrame(rows.get(name, []), columns=schema.names) for name, schema in TABLES.items()}


def make_run(
    *,
    widths: tuple[int, ...] = WIDTHS,
    n_scored: int = 8,
    seed: int = 0,
    hostile: bool = False,
    value: float | None = None,
    scored: bool = True,
    certified: bool = False,
    explainers: tuple[str, ...] = ("examples", "lexical"),
) -> RunTables:
    """Return a run with *n_scored* features a width and ten more that were not scored, one for each reason.

    ``value`` makes every label's score that number; ``scored=False`` leaves all of them unscored.
    """
    rows: Rows = {name: [] for name in TABLES}
    for width in widths:
        dictionary = f"toy-l12/{width}"
        rows["dictionaries"].append(_dictionary(dictionary, width))
        rows["features"] += list(_other_features(dictionary, n_scored))
        for feature in range(n_scored):
            _add_feature(rows, dictionary, feature, seed, hostile, value, scored, explainers)
    rows["certificates"] += [_certificate(scorer, metric, certified) for scorer, metric in EXAMINED]
    rows["failures"].append(
        {
            "stage": "explain",
            "about": "toy-l12/512#9",
            "reason": "parse_failed",
            "detail": HOSTILE if hostile else "no label",
        }
    )
    return RunTables(frames(rows), _manifest(hostile))


def _dictionary(dictionary: str, width: int) -> dict[str, Any]:
    return {
        "dictionary": dictionary, "family": "toy-l12", "width": width, "site": "resid_post:12", "subject": "toy",
        "kind": "sae", "sha256": content_key(dictionary, length=32), "l0": 32.5, "fraction_variance_explained": 0.71,
        "fraction_ce_recovered": None, "n_alive": width - 20, "tokens_seen": 2_000_000,
    }  # fmt: skip


def _feature(dictionary: str, feature: int, status: str, density: float) -> dict[str, Any]:
    return {
        "dictionary": dictionary, "feature": feature, "density": density, "window_density": min(1.0, 20 * density),
        "peak": 4.0, "n_windows": 100, "n_held_out": 40, "fraction_single_token": 0.4, "histogram_start": 0,
        "histogram": [1, 2], "promoted": [], "suppressed": [], "token_stats": "[]", "n_shown_tokens": 640,
        "status": status, "siblings": [],
    }  # fmt: skip


def _other_features(dictionary: str, start: int) -> Iterator[dict[str, Any]]:
    statuses = ["dead"] * 3 + ["too_few_examples"] * 2 + ["not_sampled"] * 4 + ["explain_failed"]
    for offset, status in enumerate(statuses):
        yield _feature(dictionary, start + offset, status, 0.0 if status == "dead" else 0.001)


def _explanation(dictionary: str, feature: int, explainer: str, text: str) -> dict[str, Any]:
    return {
        "explanation": content_key(dictionary, feature, explainer), "dictionary": dictionary, "feature": feature,
        "text": text, "explainer": explainer, "model": "local:writer", "prompt_version": "p1", "question": "",
        "tokens": 10, "usd": None, "long": "", "kind": "", "concepts": [],
    }  # fmt: skip


def _add_feature(
    rows: Rows, dictionary: str, feature: int, seed: int, hostile: bool, value: float | None, scored: bool,
    explainers: tuple[str, ...],
) -> None:  # fmt: skip
    draws = generator(seed, dictionary, feature)
    rows["features"].append(_feature(dictionary, feature, "scored", float(10 ** draws.uniform(-4, -2))))
    label = HOSTILE if hostile else "the word cat and other words about animals, most often at the end of a sentence"
    texts = dict.fromkeys(explainers, label) | {"control:shuffled": "words about ships", "control:blank": ""}
    rows["explanations"] += [_explanation(dictionary, feature, who, text) for who, text in texts.items()]
    for explainer in (*explainers, "control:shuffled", "control:blank", "lookup"):
        rows["scores"] += list(_scores(dictionary, feature, explainer, draws, value, scored))
    _add_windows(rows, dictionary, feature, draws, hostile, explainers[0] if explainers else "examples")


def _scores(
    dictionary: str, feature: int, explainer: str, draws: np.random.Generator, value: float | None, scored: bool
) -> Iterator[dict[str, Any]]:
    control = explainer.removeprefix("control:") if explainer.startswith(("control", "lookup")) else "none"
    measures = [
        ("simulation", "top_and_random", "correlation", 0.0), ("simulation", "random_only", "correlation", 0.0),
        ("detection", "", "auroc", 0.5), ("detection", "", "balanced_accuracy", 0.5),
        ("detection", "", "precision", None),
    ]  # fmt: skip
    for scorer, variant, metric, chance in measures:
        for draw in range(2 if control == "shuffled" else 1):
            drawn = float(np.clip((0.3 if control == "none" else 0.05) + (chance or 0) + draws.normal(0, 0.15), -1, 1))
            number = drawn if value is None or control != "none" else value
            yield {
                "dictionary": dictionary, "feature": feature,
                "explanation": "" if control == "lookup" else content_key(dictionary, feature, explainer),
                "scorer": scorer, "variant": variant, "judge": "lookup" if control == "lookup" else JUDGE,
                "control": control, "draw": draw, "metric": metric, "value": number if scored else None,
                "low": None, "high": None, "chance": chance, "n_asked": 20, "n_read": 20 if scored else 0,
                "status": "scored" if scored else "parse_failed", "reason": "" if scored else "no digit",
            }  # fmt: skip


def _add_windows(
    rows: Rows, dictionary: str, feature: int, draws: np.random.Generator, hostile: bool, explainer: str
) -> None:
    for window in range(6):
        doc = f"web:{feature}:{window}"  # a colon inside: items are split from the right
        for start in (0, 32):
            activations = np.where(draws.random(32) < (0.15 if window < 4 else 0.0), draws.uniform(0.2, 4.0, 32), 0.0)
            tokens = [str(t) for t in draws.choice(WORDS, 32)]
            tokens[3] = HOSTILE if hostile else tokens[3]
            stratum = "neighbour" if start else "top" if activations.any() else "silent:random"
            rows["evidence"].append({
                "dictionary": dictionary, "feature": feature, "side": "held_out", "doc": doc, "start": start,
                "tokens": tokens, "token_ids": [1] * 32, "activations": activations.tolist(), "stratum": stratum,
                "weight": 0.0 if start else 1.0,
            })  # fmt: skip
            for position, activation in enumerate(activations):
                guess = float(np.clip(activation * 2 + draws.uniform(0, 2), 0, 9))
                item = f"{doc}:0:{start + position}"
                rows["predictions"].append(
                    _prediction(dictionary, feature, explainer, "simulation", item, float(activation), guess)
                )
            if not start:
                truth = float(activations.any())
                guess = float(draws.random()) if window else None
                rows["predictions"].append(
                    _prediction(dictionary, feature, explainer, "detection", f"{doc}:0", truth, guess)
                )


def _prediction(
    dictionary: str, feature: int, explainer: str, scorer: str, item: str, truth: float, guess: float | None
) -> dict[str, Any]:
    return {
        "dictionary": dictionary, "feature": feature, "explanation": content_key(dictionary, feature, explainer),
        "scorer": scorer, "variant": "top_and_random" if scorer == "simulation" else "", "judge": JUDGE,
        "control": "none", "draw": 0, "item": item, "truth": truth, "guess": guess, "weight": 1.0, "kind": "logprob",
        "reason": "scored" if guess is not None else "parse_failed",
    }  # fmt: skip


def _certificate(scorer: str, metric: str, certified: bool) -> dict[str, Any]:
    auroc = (0.92, 0.85, 0.97) if certified else (0.54, 0.41, 0.66)
    return {
        "judge": JUDGE, "scorer": scorer, "metric": metric,
        "prompt_version": "p1", "n_features": 24, "n_labels": 168, "n_asked": 3360, "n_read": 3301,
        "tau": 0.71 if certified else 0.10, "tau_low": 0.6 if certified else -0.05,
        "tau_high": 0.8 if certified else 0.24,
        "auroc": auroc[0], "auroc_low": auroc[1], "auroc_high": auroc[2], "exact_first": 0.25,
        "exact_above_neighbours": 0.35,
        "sensitivity": 0.61,
        "specificity": None, "certified": certified, "reason": "" if certified else "lower bound of AUROC below 0.80",
    }  # fmt: skip


def _manifest(hostile: bool) -> dict[str, Any]:
    return {
        "name": HOSTILE if hostile else "toy", "key": "0123abcd", "created": "2026-11-21T10:00:00Z",
        "command": "autointerp run --config autointerp.toml",
        "config": {"subject": {"model": "toy"}, "judge": {"model": HOSTILE if hostile else JUDGE}, "seed": 0},
        "subject": "toy", "corpus": {"name": "toy text", "n_documents": 12480, "n_tokens": 2_013_000},
        "seeds": {"run": 0}, "versions": {"torch": "2.13.0", "numpy": "2.4.6"}, "git_commit": "b0ba4d8",
        "explainer": "local:writer", "judge": JUDGE, "same_family": True, "harvest": {"n_tokens": 1000000},
        "timings": {"harvest": 81.2, "score": 412.0},
    }  # fmt: skip
