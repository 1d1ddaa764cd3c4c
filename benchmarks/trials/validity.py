"""Do scores rank labels as they deserve? Population F1 of detection against true F1, ladder by ladder."""

from collections.abc import Sequence

import numpy as np

from autointerp.metrics.classification import Rates, answer_rates, population_f1
from autointerp.trust.calibration import Anchors, calibrated_rates
from autointerp.trust.ladders import Ladder, Step, at_density
from autointerp.trust.oracle import Oracle, says_yes
from autointerp.trust.ranking import ladder_tau
from trials.figure import Figure, at_least, report
from trials.zoo import Planted

DENSITIES = (1e-4, 1e-3, 1e-2, 0.1, 0.3)
JUDGES = {"perfect": Oracle(), "0.8": Oracle(0.8, 0.8)}
ANCHORS = Anchors(hits=400, n_firing=500, rejections=400, n_silent=500)
# Differences of F1 that are counted as an order: all of them.
RESOLUTION = 1e-9
WORSE = ("too_broad", "too_narrow")


def judged_rates(planted: Planted, judge: Oracle) -> dict[str, Rates]:
    """Return recall and false fire of each label as detection grades them, from 200 + 800 judged windows."""
    samples = planted.evidence.held_out
    truth = [sample.window.is_firing for sample in samples]
    weights = [sample.weight for sample in samples]
    texts = {planted.feature.labelled(rung).explanation.key: rung.text for rung in planted.feature.rungs}
    return {
        step.explanation: answer_rates(
            truth,
            [
                says_yes(judge, label=texts[step.explanation], item=s.window.item, fits=s.window.item in step.fits)
                for s in samples
            ],
            weights,
        )
        for step in planted.ladder.steps
    }


def f1_at(rates: Rates | None, window_density: float) -> float:
    assert rates is not None
    assert rates.recall is not None
    assert rates.false_fire is not None
    return population_f1(rates.recall, rates.false_fire, window_density) or 0.0


def scored(ladder: Ladder, rates: dict[str, Rates | None], window_density: float) -> list[tuple[Step, float]]:
    return [(step, f1_at(rates[step.explanation], window_density)) for step in ladder.steps]


def is_exact_above(pairs: Sequence[tuple[Step, float]]) -> bool:
    """Return whether the exact label scores above those that are truly broader or narrower."""
    exact = next((step, value) for step, value in pairs if step.rung == "exact")
    rivals = [value for step, value in pairs if step.rung in WORSE and step.f1 < exact[0].f1]
    return all(exact[1] > value for value in rivals)


def figures(planted: Sequence[Planted]) -> list[Figure]:
    """Return tau by judge and density, the share of exact labels above their neighbours, and the zoo's sizes."""
    found = [
        at_least("zoo_features", len(planted), 60),
        at_least("zoo_rungs_least", min(len(p.ladder.steps) for p in planted), 6),
        report("zoo_kinds", len({p.feature.kind for p in planted})),
        report("judged_windows_mean", np.mean([len(p.evidence.held_out) for p in planted])),
        report("judged_firing_least", min(sum(s.window.is_firing for s in p.evidence.held_out) for p in planted)),
    ]
    for name, judge in JUDGES.items():
        judged = [(p.ladder, judged_rates(p, judge)) for p in planted]
        for density in DENSITIES:
            found += _of_density(name, judged, density)
    return found


def _of_density(name: str, judged: list[tuple[Ladder, dict[str, Rates]]], density: float) -> list[Figure]:
    is_perfect = name == "perfect"
    pairs = [scored(at_density(ladder, density), dict(rates), density) for ladder, rates in judged]
    tau = _mean_tau(pairs)
    bar = 0.9 if is_perfect and density >= 1e-3 else 0.7 if not is_perfect and density >= 0.1 else None
    label = f"tau_detection_{name}_oracle_at_{density:g}"
    found = [report(label, tau) if bar is None else at_least(label, tau, bar)]
    if is_perfect:
        share = float(np.mean([is_exact_above(one) for one in pairs]))
        found.append(at_least(f"exact_above_broad_and_narrow_at_{density:g}", share, 0.95))
    else:
        corrected = [
            scored(at_density(ladder, density), {k: calibrated_rates(v, ANCHORS) for k, v in rates.items()}, density)
            for ladder, rates in judged
        ]
        found.append(report(f"{label}_calibrated", _mean_tau(corrected)))
    return found


def _mean_tau(pairs: list[list[tuple[Step, float]]]) -> float:
    taus = [tau for one in pairs if (tau := ladder_tau(tuple(one), resolution=RESOLUTION)) is not None]
    return float(np.mean(taus))
