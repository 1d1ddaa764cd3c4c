"""What controls, other judges and the zoo say of scores, as tables: labels above others', judges, shares set right."""

from collections.abc import Sequence

from autointerp.analysis.calibrating import SetRight
from autointerp.analysis.figures import count, number, ranged, with_interval
from autointerp.analysis.panels import JudgesBeside
from autointerp.analysis.swapping import Passed, items_of
from autointerp.analysis.values import measure_name
from autointerp.analysis.votes import Ranged
from autointerp.core.types import Reason
from autointerp.llm.registry import family
from autointerp.report.grids import Grid
from autointerp.trust.calibration import Anchors

LABELLED = (
    "A feature counts as labelled where its label leads other features' labels on the same windows by more than "
    "labels swapped at random, window by window, would. At most 5% of those counted are expected to be false "
    "(Benjamini-Hochberg over the labels of one dictionary, explainer and scorer). It says that a label is about this "
    "feature more than about others, nothing about by how much: that is the excess, and the score."
)
BESIDE = (
    "Judges that were asked about the same labels on the same windows. Kappa is agreement beyond chance; it falls "
    "where nearly all answers are alike, so the share of yes stands beside it. Judges that make the same mistakes are "
    "one judge: the votes they amount to lie between 1 and their number."
)
RIGHT = (
    "On the zoo it is known how often the judge says yes where a label fits (sensitivity) and no where it does not "
    "(specificity). The mean shares of yes are set right with these; the interval holds the doubt about them, too, "
    "counting every answer on the zoo as one of its own; with fewer than 10 features it is too narrow. Undecidable: "
    "the two add up to less than 1.3. Error rates measured on the zoo may not carry over to other concepts."
)


def labelled_grid(found: Sequence[Passed], order: Sequence[str]) -> Grid:
    """Return how many features are labelled, by dictionary (in *order*), explainer and scorer."""
    head = ("dictionary", "labels by", "scorer", "labelled", "share [95%]", "windows", "too few\nwindows")
    places = {name: place for place, name in enumerate(order)}
    several = len({one.judge for one in found}) > 1
    ordered = sorted(found, key=lambda one: places.get(one.dictionary, len(order)))
    rows = tuple(_labelled(one, several=several) for one in ordered)
    return Grid(
        head, rows, 3, "No label was compared: no other feature's label was asked about on the same windows.", LABELLED
    )


def _labelled(one: Passed, *, several: bool) -> tuple[str, ...]:
    names = (one.dictionary, one.explainer, _scorer(one.scorer, one.variant, one.judge if several else ""))
    low, high = one.windows
    windows = f"{low}" if low == high else f"{low} to {high}"
    if not one.is_decidable:
        undecided = f"cannot be decided\nwith {items_of(one.scorer, one.most_undecidable)}"
        return (*names, undecided, "none", windows, f"{one.n_tested} of {one.n_tested}")
    share = ranged(one.share, one.low, one.high)
    few = f"{one.n_undecidable} of {one.n_tested}" if one.n_undecidable else "none"
    return (*names, f"{one.n_better} of {one.n_tested}", share, windows, few)


def judges_grid(found: Sequence[JudgesBeside]) -> Grid:
    """Return judges beside each other: pairs, and all of more than two; no row with one judge."""
    head = (
        "scorer", "judges", "agree [95%]", "kappa [95%]", "share of\nyes", "votes they amount\nto [95%]", "answers",
        "features", "note",
    )  # fmt: skip
    return Grid(head, tuple(_beside(one) for one in found), 2, "One judge was asked.", BESIDE)


def _beside(one: JudgesBeside) -> tuple[str, ...]:
    votes = "none" if one.votes is None else f"{_text(one.votes)} of {len(one.judges)}"
    agreed = (_text(one.raw), _text(one.kappa), number(one.prevalence)) if one.raw else ("pairs above",) * 3
    counts = count(one.n_items), count(one.n_features)
    return (_scorer(one.scorer, one.variant, ""), ",\n".join(one.judges), *agreed, votes, *counts, _note(one))


def _note(one: JudgesBeside) -> str:
    families = [family(judge) for judge in one.judges]
    shared = sorted({name for name in families if families.count(name) > 1})
    notes = [f"one model family: {', '.join(shared)}"] if shared else []
    notes += ["errors do not vary"] if one.votes is None else []
    notes += ["both gave one answer throughout: no kappa"] if one.raw and one.kappa is None else []
    return ";\n".join([*notes, *(["few features: the intervals are too narrow"] if one.is_few else [])])


def right_grid(found: Sequence[SetRight]) -> Grid:
    """Return mean shares of yes as answered and set right for the judge's errors."""
    head = (
        "dictionary", "labels by", "share of yes", "as answered\n[95%]", "set right\n[95%]", "features",
        "judge's sensitivity\nand specificity",
    )  # fmt: skip
    several = len({one.line.judge for one in found}) > 1
    rows = tuple(_right(one, several=several) for one in found)
    return Grid(head, rows, 3, "The judge's error rates are not on record with their numbers.", RIGHT)


def _right(one: SetRight, *, several: bool) -> tuple[str, ...]:
    line = one.line
    where = {"recall": "where it fires", "false_fire": "where it is silent"}[line.metric]
    share = f"{measure_name(line.scorer, line.variant, line.metric)}: {where}"
    names = (line.dictionary, line.explainer, f"{share},\n{line.judge}" if several else share)
    return (*names, with_interval(line.mean), _set_right(one), str(line.mean.n), _anchors(one.anchors))


def _set_right(one: SetRight) -> str:
    right = one.right
    if right.value is None:
        return "undecidable" if right.status is Reason.UNDECIDABLE else right.status.value.replace("_", " ")
    return ranged(right.value, right.low, right.high)


def _anchors(anchors: Anchors) -> str:
    hits = f"{number(anchors.sensitivity)} of {count(anchors.n_firing)}"
    return f"{hits},\n{number(anchors.specificity)} of {count(anchors.n_silent)}"


def _scorer(scorer: str, variant: str, judge: str) -> str:
    name = scorer + (f" ({variant.replace('_', ' ')})" if variant else "")
    return f"{name},\n{judge}" if judge else name


def _text(one: Ranged | None) -> str:
    return "none" if one is None else ranged(one.value, one.low, one.high)
