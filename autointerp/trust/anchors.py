"""Known-truth anchors: texts of our own beside a planted feature's exact label, the same in every evaluation."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from autointerp.core.draws import content_key, draw
from autointerp.core.protocols import Scorer
from autointerp.core.types import Evidence, Labelled, Question
from autointerp.trust.frames import SideSizes
from autointerp.trust.planting import PlantSettings, plant
from autointerp.trust.zoo import ZooFeature

SEED = 0
"""Not the run's: the judge is held against its own answers to the same questions."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One yes / no question whose answer is known; ``truth``: whether the text is what the label says.

    ``key`` names the question: words, prompt and settings; other words are another anchor, without a past.
    """

    question: Question
    evidence: Evidence
    labelled: Labelled
    truth: bool

    @property
    def key(self) -> str:
        return content_key(self.question.key)


def anchors_of(zoo: Iterable[ZooFeature], scorer: Scorer, n: int) -> list[Anchor]:
    """Return *n* anchors, half of them true, over all features a reader can tell; fewer where there are not so many.

    The texts are the zoo's own sentences: no corpus, and no subject, decides them.

    Args:
        zoo: The planted features.
        scorer: Asks one text a question, yes or no, and takes evidence of any size.
        n: How many, even.
    """
    features = [feature for feature in zoo if feature.is_readable]
    each = math.ceil(n / max(len(features), 1)) + 2
    found = [anchor for feature in features for anchor in _of_feature(feature, scorer, each)]
    halves = ([a for a in found if a.truth is truth] for truth in (True, False))
    return [anchor for half in halves for anchor in draw(half, n // 2, seed=SEED, key=lambda a: a.key)]


def _of_feature(feature: ZooFeature, scorer: Scorer, n: int) -> list[Anchor]:
    """Return the questions about n firing and n silent windows, half of these near-misses."""
    sizes = SideSizes(top=0, firing=n, silent=n - n // 2, near=n // 2)
    evidence = plant(feature, (), PlantSettings(seed=SEED, held_out=sizes))
    labelled = feature.labelled(feature.rungs[0])
    return [Anchor(q, evidence, labelled, _truth(q)) for q in scorer.questions(evidence, labelled)]


def _truth(question: Question) -> bool:
    assert question.about is not None
    assert question.about.window is not None, "an anchor is about one window"
    return question.about.window.is_firing
