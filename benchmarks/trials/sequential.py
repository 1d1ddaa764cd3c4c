"""How many answers a decision takes when one may look after each, against a design of fixed size."""

import numpy as np
from scipy.stats import binom

from autointerp.core.draws import generator
from autointerp.metrics.sequential import SequentialSettings, Verdict, course_at, error_at, fixed_size, verdict_of
from autointerp.trust.sequential import allocate
from trials.figure import Figure, at_most, report

MIX = {0.5: 0.3, 0.6: 0.1, 0.7: 0.1, 0.8: 0.15, 0.9: 0.2, 0.97: 0.15}
"""Share of labels of each true accuracy: a third worthless, a tenth in the zone, a third very good."""
ACCURACIES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97)
NORMAL_FIXED = 54
"""The fixed design by the normal approximation, the smaller of the two: ratios are against this one."""
N_LABELS, CALLS_A_LABEL, ROUND = 200, 15, 200


def figures() -> list[Figure]:
    """Return errors and ratios of calls by true accuracy, exact, and labels decided on a budget."""
    settings = SequentialSettings()
    courses = {accuracy: course_at(accuracy, settings) for accuracy in ACCURACIES}
    n_fixed, edge = fixed_size(settings)
    errors = [error_at(accuracy, course, settings) for accuracy, course in courses.items()]
    mean = sum(share * courses[accuracy].mean_items for accuracy, share in MIX.items())
    outside = {a: share for a, share in MIX.items() if a <= settings.bad or a >= settings.good}
    decided = sum(s * (courses[a].good if a >= settings.good else courses[a].bad) for a, s in outside.items())
    fixed = sum(s * _fixed_right(a, n_fixed, edge, settings) for a, s in outside.items())
    by_allocation, by_equal_shares = decided_on_a_budget(settings)
    return [
        at_most("sequential_error_largest", max(errors), settings.alpha),
        at_most("sequential_call_ratio_on_the_mix", mean / NORMAL_FIXED, 0.60),
        report("sequential_call_ratio_on_the_mix_exact_fixed_60", mean / n_fixed),
        report("sequential_right_decisions_outside_the_zone", decided / sum(outside.values())),
        report("fixed_right_decisions_outside_the_zone", fixed / sum(outside.values())),
        *(report(f"sequential_call_ratio_at_{a:g}", c.mean_items / NORMAL_FIXED) for a, c in courses.items()),
        report("decided_share_on_a_budget_allocated", by_allocation),
        report("decided_share_on_a_budget_equal", by_equal_shares),
    ]


def _fixed_right(accuracy: float, n: int, edge: int, settings: SequentialSettings) -> float:
    called_good = float(binom.sf(edge - 1, n, accuracy))
    return called_good if accuracy >= settings.good else 1 - called_good


def decided_on_a_budget(settings: SequentialSettings) -> tuple[float, float]:
    """Return the share of 200 labels decided with 15 calls a label: allocated as answers come, and in equal shares."""
    draw = generator(0, "budget")
    accuracies = draw.choice(list(MIX), p=list(MIX.values()), size=N_LABELS)
    answers = draw.random((N_LABELS, settings.max_items)) < accuracies[:, None]
    counts = [(0, 0)] * N_LABELS
    for _ in range(N_LABELS * CALLS_A_LABEL // ROUND):
        given = allocate(counts, ROUND, settings)
        counts = [_ask(row, n, more, settings) for row, (_, n), more in zip(answers, counts, given, strict=True)]
    equal = [_ask(row, 0, CALLS_A_LABEL, settings) for row in answers]
    return _decided(counts, settings), _decided(equal, settings)


def _ask(answers: np.ndarray, n: int, more: int, settings: SequentialSettings) -> tuple[int, int]:
    """Return the counts after at most *more* answers, stopping at a decision."""
    for _ in range(more):
        if n and verdict_of(int(answers[:n].sum()), n, settings) is not Verdict.OPEN:
            break
        n += 1
    return int(answers[:n].sum()), n


def _decided(counts: list[tuple[int, int]], settings: SequentialSettings) -> float:
    verdicts = [verdict_of(right, n, settings) if n else Verdict.OPEN for right, n in counts]
    return sum(verdict in (Verdict.GOOD, Verdict.BAD) for verdict in verdicts) / len(counts)
