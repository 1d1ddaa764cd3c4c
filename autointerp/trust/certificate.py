"""Whether scores made with a judge can be believed: what the zoo's labels, whose worth is known, say."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autointerp.core.types import Prediction, Reason, Score
from autointerp.trust.ladders import Ladder
from autointerp.trust.ranking import (
    Figure,
    Scored,
    is_exact_above_neighbours,
    is_exact_first,
    ladder_tau,
    mean_tau,
    right_against_wrong,
    scored_steps,
)

PARTIAL = ("recall", "false_fire", "precision", "purity", "mean", "absolute_deviation", "is_good")
"""Metrics that are half an answer, or yes or no, and order no labels by themselves, as no ``share_of_`` a step does."""
YES = 0.5


@dataclass(frozen=True, slots=True)
class CertificateSettings:
    """What it takes to be certified.

    ``min_auroc_low``, ``min_tau_low``: lower 95% bounds (PROTOCOLS, section 4). ``wrong_below``: true
    F1 under which a label counts as wrong. ``resolution``: differences of F1 that are no order.
    ``min_ladders``, ``min_fraction_read``: our choice; a judge that answers only what is easy, or on
    few features, has shown nothing.
    """

    min_auroc_low: float = 0.80
    min_tau_low: float = 0.50
    min_ladders: int = 6
    min_fraction_read: float = 0.8
    wrong_below: float = 0.5
    resolution: float = 0.05
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Certificate:
    """One judge x scorer x metric; the columns of the ``certificates`` table.

    ``metric`` names the variant in brackets, where the scorer has variants. ``n_features`` ladders and
    ``n_labels`` labels could be used; of ``n_asked`` items ``n_read`` could be read, over all labels.
    ``tau``: mean Kendall tau-b over ladders. ``auroc``: exact labels against wrong ones.
    ``exact_first``: share of ladders whose exact label is above all truly worse ones;
    ``exact_above_neighbours``: above the too broad and too narrow one, of ladders that have such.
    ``sensitivity``, ``specificity``: of the judge, against what the label says, not against the
    feature, on ``n_fitting`` and ``n_unfitting`` answers. ``flip_rate``: share of ``n_flip`` verdicts
    on exact labels that an order written into the text turned; asked of detection alone. None =
    could not be measured. Error rates measured here may not carry over to other concepts.
    """

    judge: str
    scorer: str
    metric: str
    prompt_version: str
    n_features: int
    n_labels: int
    n_asked: int
    n_read: int
    tau: float | None
    tau_low: float | None
    tau_high: float | None
    auroc: float | None
    auroc_low: float | None
    auroc_high: float | None
    exact_first: float | None
    exact_above_neighbours: float | None
    sensitivity: float | None
    specificity: float | None
    certified: bool
    reason: str
    flip_rate: float | None = None
    n_flip: int | None = None
    n_fitting: int | None = None
    n_unfitting: int | None = None


def certify(
    scores: Sequence[Score],
    ladders: Sequence[Ladder],
    *,
    predictions: Iterable[Prediction] = (),
    prompt_version: str = "",
    settings: CertificateSettings | None = None,
) -> Certificate:
    """Return what the zoo says of one judge, scorer, variant and metric.

    A score that is ``undefined`` (a judge that says the same everywhere, a blank label that fires
    nowhere) counts as the metric's chance level, 0 for correlations: Scaling Monosemanticity reports
    it so, and leaving it out would reward a judge for never finding anything. A label without score for
    any other reason (refused, not parsed, stopped) is left out, and so is a ladder whose exact label
    is; ``n_read`` of ``n_asked`` shows them, and too few read is never certified.

    Args:
        scores: Of zoo labels; all of one judge, scorer, variant and metric where higher is better.
        ladders: The labels' true worth.
        predictions: The judge's answers, for its error rates; only those of scorer ``detection`` count.
        prompt_version: Of the scorer's prompt.
        settings: What it takes.

    Raises:
        ValueError: The scores are of several judges, scorers, variants or metrics, or there are none.
    """
    settings = settings or CertificateSettings()
    judge, scorer, variant, metric = _only_name(scores)
    used = _usable(scores, ladders)
    taus = [tau for scored in used if (tau := ladder_tau(scored, resolution=settings.resolution)) is not None]
    order = mean_tau(taus, seed=settings.seed, key=_name(scores[0]))
    area = right_against_wrong(used, wrong_below=settings.wrong_below, seed=settings.seed, key=_name(scores[0]))
    neighbours = [is_exact_above_neighbours(scored, resolution=settings.resolution) for scored in used]
    n_asked, n_read = sum(score.n_asked for score in scores), sum(score.n_read for score in scores)
    answers = _answers([p for p in predictions if p.judge == judge], ladders, scorer=scorer)
    sensitivity, specificity = _rates(answers)
    lacking = _lacking(order, area, n_ladders=len(taus), n_asked=n_asked, n_read=n_read, settings=settings)
    (tau, tau_low, tau_high), (auroc, auroc_low, auroc_high) = _three(order), _three(area)
    return Certificate(
        judge=judge,
        scorer=scorer,
        metric=f"{metric} ({variant})" if variant else metric,
        prompt_version=prompt_version,
        n_features=len(used),
        n_labels=sum(map(len, used)),
        n_asked=n_asked,
        n_read=n_read,
        tau=tau,
        tau_low=tau_low,
        tau_high=tau_high,
        auroc=auroc,
        auroc_low=auroc_low,
        auroc_high=auroc_high,
        exact_first=_share([is_exact_first(scored, resolution=settings.resolution) for scored in used]),
        exact_above_neighbours=_share([above for above in neighbours if above is not None]),
        sensitivity=sensitivity,
        specificity=specificity,
        certified=not lacking,
        reason="; ".join(lacking),
        n_fitting=len(answers[True]) or None,
        n_unfitting=len(answers[False]) or None,
    )


def certify_all(
    scores: Iterable[Score],
    ladders: Sequence[Ladder],
    *,
    predictions: Sequence[Prediction] = (),
    prompt_versions: dict[str, str] | None = None,
    settings: CertificateSettings | None = None,
) -> tuple[Certificate, ...]:
    """Return a certificate for each judge, scorer, variant and metric among the scores, in that order.

    Metrics in ``PARTIAL`` get none. *prompt_versions*: by scorer.
    """
    groups: defaultdict[tuple[str, str, str, str], list[Score]] = defaultdict(list)
    for score in scores:
        if score.metric not in PARTIAL and not score.metric.startswith("share_of_"):
            groups[_name(score)].append(score)
    versions = prompt_versions or {}
    return tuple(
        certify(
            groups[name],
            ladders,
            predictions=predictions,
            prompt_version=versions.get(name[1], ""),
            settings=settings,
        )
        for name in sorted(groups)
    )


def value_or_chance(score: Score) -> float | None:
    """Return the value; chance (0 where there is none) for an undefined score; None for any other unscored one."""
    if score.status is Reason.UNDEFINED:
        return score.chance if score.chance is not None else 0.0
    return score.value


def judge_rates(
    predictions: Iterable[Prediction], ladders: Sequence[Ladder], *, scorer: str
) -> tuple[float | None, float | None]:
    """Return the judge's sensitivity and specificity against the label's own meaning, each in [0, 1].

    Counted over detection items of meaningful labels (no judge errs on a blank one); None without
    items that fit, or do not.
    """
    return _rates(_answers(predictions, ladders, scorer=scorer))


def _answers(predictions: Iterable[Prediction], ladders: Sequence[Ladder], *, scorer: str) -> dict[bool, list[bool]]:
    """Return whether the judge said yes, on items that fit the label (True) and on those that do not."""
    answers: dict[bool, list[bool]] = {True: [], False: []}
    if scorer != "detection":
        return answers
    fits = {step.explanation: step.fits for ladder in ladders for step in ladder.steps if step.is_meaningful}
    for p in predictions:
        if p.scorer == scorer and p.guess is not None and p.explanation in fits:
            answers[p.item in fits[p.explanation]].append(p.guess >= YES)
    return answers


def _rates(answers: Mapping[bool, Sequence[bool]]) -> tuple[float | None, float | None]:
    hits, false = _share(answers[True]), _share(answers[False])
    return hits, None if false is None else 1 - false


def _share(answers: Sequence[bool]) -> float | None:
    return sum(answers) / len(answers) if answers else None


def _name(score: Score) -> tuple[str, str, str, str]:
    return score.judge, score.scorer, score.variant, score.metric


def _only_name(scores: Sequence[Score]) -> tuple[str, str, str, str]:
    names = {_name(score) for score in scores}
    if len(names) != 1:
        msg = f"a certificate is for one judge, scorer, variant and metric, not {len(names)}; see certify_all"
        raise ValueError(msg)
    return names.pop()


def _usable(scores: Sequence[Score], ladders: Sequence[Ladder]) -> list[Scored]:
    """Return the ladders that can be ranked, with the value or chance level of each label."""
    values = {score.explanation: value for score in scores if (value := value_or_chance(score)) is not None}
    return [scored for ladder in ladders if (scored := scored_steps(ladder, values))]


def _three(figure: Figure | None) -> tuple[float | None, float | None, float | None]:
    return (figure.value, figure.low, figure.high) if figure else (None, None, None)


def _lacking(
    tau: Figure | None,
    area: Figure | None,
    *,
    n_ladders: int,
    n_asked: int,
    n_read: int,
    settings: CertificateSettings,
) -> list[str]:
    """Return what stands against certifying, as phrases; nothing when it is certified."""
    lacking = []
    if n_ladders < settings.min_ladders:
        lacking.append(f"{n_ladders} features with ranked labels, {settings.min_ladders} needed")
    if n_read < settings.min_fraction_read * n_asked:
        lacking.append(f"{n_read} of {n_asked} items read, {settings.min_fraction_read:.0%} needed")
    lacking += _below("AUROC of right against wrong labels", area, settings.min_auroc_low)
    lacking += _below("Kendall tau with the true order", tau, settings.min_tau_low)
    return lacking


def _below(what: str, figure: Figure | None, bar: float) -> list[str]:
    if figure is None:
        return [f"{what}: not measured"]
    return [f"{what}: lower bound {figure.low:.2f}, {bar:.2f} needed"] if figure.low < bar else []
