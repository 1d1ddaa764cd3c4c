"""What judges that err alike are worth, and what a label in code is worth to another family's judge."""

from collections.abc import Mapping, Sequence

import numpy as np

from autointerp.core.types import About, Explanation, Question, YesNo
from autointerp.metrics.classification import auroc
from autointerp.trust.codewords import coded_label, family_meanings, plain_label
from autointerp.trust.oracle import Oracle, judge_function, says_yes
from autointerp.trust.panel import panel_of, share_of_gain_lost
from autointerp.trust.predicates import Predicate
from trials.figure import Figure, at_least, report
from trials.zoo import Planted

N_ITEMS = 4000
FEWER_WINDOWS = 60
"""Of either kind, beside all that are held out (200 firing, 800 silent). The least of some seventy shares of gain is
the figure, so each has to be known well: over redrawn errors of the judges it is 0.862 (median) with 60 + 60 windows,
0.923 with 200 + 200 (at least 0.9 in 92% of draws) and 0.938 with 200 + 800 (in 99.5%). The bar needs those."""


def figures(planted: Sequence[Planted]) -> list[Figure]:
    """Return the votes of three judges by how much they share, and the least gain that a coded label loses."""
    readable = [p for p in planted if p.feature.is_readable]
    lost, lost_of_few = ([share_lost(p, n_windows=n) for p in readable] for n in (None, FEWER_WINDOWS))
    return [
        at_least("codeword_gain_lost_least", min(lost), 0.9),
        report("codeword_gain_lost_mean", np.mean(lost)),
        report(f"codeword_gain_lost_least_by_{FEWER_WINDOWS}_windows_of_either_kind", min(lost_of_few)),
        report(f"codeword_gain_lost_mean_by_{FEWER_WINDOWS}_windows_of_either_kind", np.mean(lost_of_few)),
        report("codeword_features", len(lost)),
        *(figure for correlation in (0.0, 0.5, 1.0) for figure in panel_figures(correlation)),
    ]


def share_lost(planted: Planted, *, n_windows: int | None) -> float:
    """Return the share of a coded label's gain over its plain words that the other family's judge does not see.

    Judged on *n_windows* of either kind, or on all that are held out.
    """
    home, away = (family_meanings([planted.feature], reads_code=reads) for reads in (True, False))
    coded, plain = coded_label(planted.feature), plain_label(planted.feature)
    lost = share_of_gain_lost(
        home=detection(planted, home, coded, n_windows),
        away=detection(planted, away, coded, n_windows),
        chance=detection(planted, home, plain, n_windows),
    )
    assert lost is not None, planted.feature.name
    return lost


def detection(planted: Planted, meanings: Mapping[str, Predicate], label: Explanation, n_windows: int | None) -> float:
    """Return the AUROC of a label under a judge of one family that errs on 5% of the windows."""
    judge = judge_function(Oracle(0.95, 0.95), meanings)
    samples = planted.evidence.held_out
    windows = [
        window
        for fires in (True, False)
        for window in [s.window for s in samples if s.window.is_firing is fires][:n_windows]
    ]
    about = [About(label.feature, window.item, label.text, window) for window in windows]
    guesses = [judge(Question("", "", 1, YesNo(), about=one)) for one in about]
    return auroc([window.is_firing for window in windows], guesses) or 0.0


def panel_figures(correlation: float) -> list[Figure]:
    """Return agreement and effective votes of three 0.8 / 0.8 judges that share some of their errors."""
    truth = np.tile([1.0, 0.0], N_ITEMS // 2)
    judges = {name: Oracle(0.8, 0.8, seed, correlation) for seed, name in enumerate("abc", start=1)}
    votes = {
        name: [float(says_yes(judge, label="", item=str(i), fits=bool(t))) for i, t in enumerate(truth)]
        for name, judge in judges.items()
    }
    panel = panel_of(truth, votes)
    first = panel.pairs[0]
    name = f"shared_{correlation:g}"
    return [
        report(f"panel_effective_votes_of_3_{name}", panel.effective_votes or 0.0),
        report(f"panel_raw_agreement_{name}", first.raw),
        report(f"panel_kappa_{name}", first.kappa or 0.0),
        report(f"panel_prevalence_{name}", first.prevalence),
    ]
