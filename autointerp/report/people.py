"""What people said of labels, blind, beside what fires, what judges said, and one another."""

from autointerp.analysis.figures import count, ranged
from autointerp.analysis.human import HumanAgreement, Pairing, Rater, agreement_of_run
from autointerp.report.grids import Grid
from autointerp.report.tables import RunTables

PAIRS = ("rater", "beside", "labels", "agree [95%]", "kappa [95%]", "share of\nyes", "windows", "features", "note")
RATERS = ("rater", "answers", "could not\ntell", "beside a\njudge's", "yes to another\nfeature's label [95%]")


def agreement_grids(run: RunTables) -> tuple[Grid, Grid]:
    """Return the raters, and each beside whoever answered the same; both empty where nobody reviewed."""
    found = agreement_of_run(run) if len(run["ratings"]) else HumanAgreement((), ())
    raters = Grid(RATERS, tuple(_rater(rater) for rater in found.raters), 1, "Nobody has reviewed labels of this run.")
    return raters, Grid(PAIRS, tuple(_pair(pair) for pair in found.pairings), 3, "Nobody else answered the same.")


def _rater(rater: Rater) -> tuple[str, ...]:
    false = ranged(rater.false_yes, rater.false_yes_low, rater.false_yes_high) if rater.n_control else "none shown"
    return (rater.rater, count(rater.n_answers), count(rater.n_unsure), count(rater.n_judged), false)


def _pair(pair: Pairing) -> tuple[str, ...]:
    beside = {"truth": "what fires", "judge": f"{pair.other}, {pair.scorer}", "rater": pair.other}[pair.kind]
    labels = "the run's own" if pair.control == "none" else "another feature's"
    numbers = ranged(pair.raw, pair.raw_low, pair.raw_high), ranged(pair.kappa, pair.kappa_low, pair.kappa_high)
    counts = f"{pair.prevalence:.2f}", count(pair.n_items), count(pair.n_features)
    return (pair.rater, beside, labels, *numbers, *counts, pair.note)
