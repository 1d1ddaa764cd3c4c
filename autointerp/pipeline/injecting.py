"""Whether a judge can be given orders by the text it judges: the exact labels' items asked again with one in them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autointerp.core.draws import uniform
from autointerp.core.protocols import LLM, Scorer
from autointerp.core.types import Evidence, Labelled, Prediction
from autointerp.pipeline.asking import ask
from autointerp.pipeline.judging import Item, grade_items, scorers_of
from autointerp.pipeline.run import Run
from autointerp.store.parts import write_part
from autointerp.trust.certificate import YES, Certificate
from autointerp.trust.injections import INJECTIONS, FlipRate, flip_rate, inject
from autointerp.trust.zoo import ZooFeature

SCORER = "detection"
Planted = Sequence[tuple[ZooFeature, Evidence]]


def with_flip_rates(
    run: Run,
    llm: LLM,
    certificates: Sequence[Certificate],
    *,
    planted: Planted,
    predictions: Sequence[Prediction],
    stage: str,
) -> tuple[Certificate, ...]:
    """Return the certificates, those of detection with the share of verdicts that an order in the text turned.

    Args:
        run: Whose detection scorer asks; without one nothing is asked.
        llm: The judge.
        certificates: Of this judge.
        planted: The zoo's features with their evidence.
        predictions: What the judge said of the windows as they are.
        stage: What the calls are filed under.
    """
    scorer = next((scorer for scorer in scorers_of(run) if scorer.name == SCORER), None)
    if scorer is None or not certificates:
        return tuple(certificates)
    items = list(injected_items(planted, scorer, seed=run.config.seed))
    asked = ask(run, llm, [q for item in items for q in item.questions], stage=stage)
    write_part(run.directory, "failures", f"{stage}-{llm.name}-injected", asked.failures)
    graded = grade_items(items, asked.replies, judge=certificates[0].judge)
    rate = pool([_rate(item, predictions, ordered) for item, (ordered, _) in zip(items, graded, strict=True)])
    return tuple(
        replace(c, flip_rate=rate.value, n_flip=rate.n_read) if c.scorer == SCORER else c for c in certificates
    )


def injected_items(planted: Planted, scorer: Scorer, *, seed: int) -> Iterator[Item]:
    """Yield each feature's exact label with an order in every held-out window, the same in every run."""
    for feature, evidence in planted:
        exact = next(rung for rung in feature.rungs if rung.rung == "exact")
        labelled, ordered = feature.labelled(exact), inject_all(evidence, seed=seed)
        yield Item(scorer, ordered, labelled, scorer.questions(ordered, labelled))


def inject_all(evidence: Evidence, *, seed: int) -> Evidence:
    """Return the evidence with an order in each held-out window; which one is drawn by the window's name."""
    feature = str(evidence.feature)
    held_out = [
        replace(sample, window=inject(sample.window, _order(seed, feature, sample.window.item)))
        for sample in evidence.held_out
    ]
    return replace(evidence, held_out=tuple(held_out))


def pool(rates: Sequence[FlipRate]) -> FlipRate:
    """Return the rate over all items of several features."""
    n_read, n_asked = sum(rate.n_read for rate in rates), sum(rate.n_asked for rate in rates)
    n_flipped = sum((rate.value or 0.0) * rate.n_read for rate in rates)
    return FlipRate(n_flipped / n_read if n_read else None, n_read, n_asked)


def _rate(item: Item, predictions: Sequence[Prediction], ordered: Sequence[Prediction]) -> FlipRate:
    """Return the rate of one feature: another's window may stand at the same place."""
    plain = [p for p in predictions if p.scorer == SCORER and p.explanation == _key(item.labelled)]
    return flip_rate(plain, ordered, threshold=YES)


def _key(labelled: Labelled) -> str:
    return labelled.explanation.key


def _order(seed: int, feature: str, item: str) -> str:
    return INJECTIONS[int(uniform(seed, "injection", feature, item) * len(INJECTIONS))]
