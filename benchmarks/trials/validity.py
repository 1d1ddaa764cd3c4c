"""Do scores rank labels as they deserve? Population F1 of detection and fuzzing against true F1, by ladder.

Detection asks about windows and is held against the F1 of windows, fuzzing asks about marked tokens and is held
against the F1 of marks (``marks.py``). A label may fit a window and not the tokens that fire in it: what fuzzing
makes of the F1 of windows is reported beside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autointerp.core.types import About, Question, YesNo
from autointerp.metrics.classification import Rates, answer_rates, population_f1
from autointerp.score import ScoreSettings
from autointerp.score.marking import choose_marked
from autointerp.trust.calibration import Anchors, calibrated_rates
from autointerp.trust.ladders import Ladder, Step, at_density
from autointerp.trust.oracle import Oracle, judge_function, says_yes
from autointerp.trust.ranking import ladder_tau
from autointerp.trust.zoo import meanings
from trials.figure import Figure, at_least, report
from trials.zoo import Planted

DENSITIES = (1e-4, 1e-3, 1e-2, 0.1, 0.3)
JUDGES = {"perfect": Oracle(), "0.8": Oracle(0.8, 0.8)}
ANCHORS = Anchors(hits=400, n_firing=500, rejections=400, n_silent=500)
# Differences of F1 that are counted as an order: all of them.
RESOLUTION = 1e-9
WORSE = ("too_broad", "too_narrow")


@dataclass(frozen=True)
class Asked:
    """The items of one scorer, and of each label (by its key) its text and on which of them its meaning fits."""

    items: tuple[str, ...]
    truth: tuple[bool, ...]
    weights: tuple[float, ...]
    texts: dict[str, str]
    fits: dict[str, tuple[bool, ...]]

    def rates(self, judge: Oracle) -> dict[str, Rates]:
        """Return recall and false fire of each label in the population, as the scorer grades them."""
        return {key: self._rates(judge, text, self.fits[key]) for key, text in self.texts.items()}

    def _rates(self, judge: Oracle, text: str, fits: Sequence[bool]) -> Rates:
        pairs = zip(self.items, fits, strict=True)
        yes = [says_yes(judge, label=text, item=item, fits=one) for item, one in pairs]
        return answer_rates(self.truth, yes, self.weights)


def asked_by_detection(planted: Planted) -> Asked:
    """Return 200 firing and 800 silent windows, near-misses among them."""
    samples = planted.evidence.held_out
    items = tuple(sample.window.item for sample in samples)
    return Asked(
        items,
        tuple(sample.window.is_firing for sample in samples),
        tuple(sample.weight for sample in samples),
        texts_of(planted),
        {step.explanation: tuple(item in step.fits for item in items) for step in planted.ladder.steps},
    )


def asked_by_fuzzing(planted: Planted) -> Asked:
    """Return the same windows with their marks; a label fits where an oracle finds the marks right."""
    marked = choose_marked(planted.evidence, ScoreSettings())
    texts = texts_of(planted)
    judge = judge_function(Oracle(), meanings([planted.feature]))
    about = [About(planted.feature.feature, m.item, "", m.window, "fuzzing", marked=m.places) for m in marked]
    fits = {
        key: tuple(judge(Question("", "", 1, YesNo(), about=replace(one, label=text))) == 1.0 for one in about)
        for key, text in texts.items()
    }
    truth, weights = tuple(m.fires for m in marked), tuple(m.weight for m in marked)
    return Asked(tuple(m.item for m in marked), truth, weights, texts, fits)


def texts_of(planted: Planted) -> dict[str, str]:
    return {planted.feature.labelled(rung).explanation.key: rung.text for rung in planted.feature.rungs}


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
    detected, fuzzed = ([ask(p) for p in planted] for ask in (asked_by_detection, asked_by_fuzzing))
    for name, judge in JUDGES.items():
        seen, marked = ([one.rates(judge) for one in asked] for asked in (detected, fuzzed))
        by_windows, by_marks = [p.ladder for p in planted], [p.of_marks for p in planted]
        for density in DENSITIES:
            found += _of_density("detection", name, list(zip(by_windows, seen, strict=True)), density)
            found += _of_density("fuzzing", name, list(zip(by_marks, marked, strict=True)), density)
            by = f"tau_fuzzing_{name}_oracle_at_{density:g}_against_f1_of_windows"
            found.append(report(by, _mean_tau(_scored(list(zip(by_windows, marked, strict=True)), density))))
    return found


def _scored(judged: Sequence[tuple[Ladder, dict[str, Rates]]], density: float) -> list[list[tuple[Step, float]]]:
    return [scored(at_density(ladder, density), dict(rates), density) for ladder, rates in judged]


def _of_density(scorer: str, judge: str, judged: list[tuple[Ladder, dict[str, Rates]]], density: float) -> list[Figure]:
    is_perfect = judge == "perfect"
    pairs = _scored(judged, density)
    tau, share = _mean_tau(pairs), float(np.mean([is_exact_above(one) for one in pairs]))
    bar = 0.9 if is_perfect and density >= 1e-3 else 0.7 if not is_perfect and density >= 0.1 else None
    by = f"{scorer}_{judge}_oracle_at_{density:g}"
    found = [report(f"tau_{by}", tau) if bar is None else at_least(f"tau_{by}", tau, bar)]
    exact = f"exact_above_broad_and_narrow_{by}"
    found.append(at_least(exact, share, 0.95) if is_perfect else report(exact, share))
    if not is_perfect:
        corrected = [
            scored(at_density(ladder, density), {k: calibrated_rates(v, ANCHORS) for k, v in rates.items()}, density)
            for ladder, rates in judged
        ]
        found.append(report(f"tau_{by}_calibrated", _mean_tau(corrected)))
    return found


def _mean_tau(pairs: list[list[tuple[Step, float]]]) -> float:
    taus = [tau for one in pairs if (tau := ladder_tau(tuple(one), resolution=RESOLUTION)) is not None]
    return float(np.mean(taus))
