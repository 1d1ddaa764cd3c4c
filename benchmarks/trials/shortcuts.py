"""Can right items be told from wrong ones without reading them? Classifiers that see all but window and label."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from autointerp.core.draws import draw
from autointerp.core.types import Evidence, FloatArray, Labelled, Prompt, Question, Sample
from autointerp.metrics.classification import auroc
from autointerp.prompting.files import parse_prompt
from autointerp.prompting.windows import plain_text
from autointerp.score import SCORERS, ScoreSettings
from autointerp.score.detection import TEXT_ENDS
from autointerp.score.marking import Marked
from trials.figure import Figure, at_least, at_most
from trials.zoo import Planted

PROMPTS = Path(__file__).parents[2] / "prompts"
N_EACH = 30
"""Firing and silent windows a feature: with 75 features 2,250 of either kind, and errors of an AUROC of 0.009."""
TILE = 32
LABEL = "LABELSTOODHERE"


@dataclass(frozen=True)
class Item:
    """A question as a reader sees it who reads neither window nor label."""

    feature: int
    is_right: bool
    order: float
    places: tuple[int, ...]
    n_tokens: int
    words: str


def prompt_file(name: str) -> Prompt:
    return parse_prompt(name, (PROMPTS / f"{name}.jinja").read_text("utf-8"))


def few_windows(evidence: Evidence) -> Evidence:
    """Return the evidence with as many firing as silent held-out windows, a keyed draw of either."""
    kinds = [[s for s in evidence.held_out if s.window.is_firing is fires] for fires in (True, False)]
    chosen = [sample for kind in kinds for sample in _draw(kind, str(evidence.feature))]
    return replace(evidence, held_out=tuple(chosen))


def _draw(samples: Sequence[Sample], feature: str) -> list[Sample]:
    return draw(samples, N_EACH, seed=0, key=lambda s: ("shortcuts", feature, s.window.item))


def items_of(scorer: str, planted: Planted) -> list[Item]:
    """Return the questions of one feature in the order they are asked."""
    asking = SCORERS[scorer](prompt_file(scorer), ScoreSettings())
    labelled = planted.feature.labelled(planted.feature.rungs[0])
    anonymous = Labelled(replace(labelled.explanation, text=LABEL))
    questions = asking.questions(few_windows(planted.evidence), anonymous)
    return [_item(question, place / len(questions)) for place, question in enumerate(questions)]


def _item(question: Question, order: float) -> Item:
    about = question.about
    assert about is not None
    assert about.window is not None
    window, places = about.window, about.marked
    shown = Marked(window, places, 0.0, True).text() if places else plain_text(window, forbidden=TEXT_ENDS)
    assert shown in question.prompt
    words = f"{question.system} {question.prompt}".replace(shown, "").replace(LABEL, "")
    is_right = window.activations[places[0]] > 0 if places else window.is_firing
    return Item(about.feature.index, is_right, order, places, len(window.tokens), words)


def places_of(items: Sequence[Item]) -> FloatArray:
    """Return where marks stand, first and last of them, and in how many runs, [n_items, TILE + 3]."""
    on = np.array([np.isin(np.arange(TILE), item.places) for item in items])
    runs = np.diff(on, axis=1, prepend=False).sum(axis=1)
    return np.column_stack([on, on.argmax(axis=1), on[:, ::-1].argmax(axis=1), runs]).astype(np.float64)


VIEWS: dict[str, Callable[[Sequence[Item]], FloatArray]] = {
    "order": lambda items: np.array([[item.order] for item in items]),
    "length": lambda items: np.array([[item.n_tokens, len(item.words)] for item in items], dtype=np.float64),
    "number_of_marks": lambda items: np.array([[len(item.places)] for item in items], dtype=np.float64),
    "position": places_of,
}


def everything(items: Sequence[Item]) -> FloatArray:
    return np.hstack([view(items) for view in VIEWS.values()])


def read_off(items: Sequence[Item], view: Callable[[Sequence[Item]], FloatArray]) -> float:
    """Return the AUROC on features a classifier has not seen, from numbers alone."""
    model = HistGradientBoostingClassifier(max_iter=30, random_state=0)
    return _held_out_auroc(model, view(items), items)


def read_words(items: Sequence[Item]) -> float:
    """Return the AUROC on features a classifier has not seen, from words, pairs and threes of the prompt alone."""
    model = make_pipeline(CountVectorizer(ngram_range=(1, 3)), LogisticRegression())
    return _held_out_auroc(model, np.array([item.words for item in items]), items)


def _held_out_auroc(model: object, seen: object, items: Sequence[Item]) -> float:
    truth, features = [item.is_right for item in items], [item.feature for item in items]
    # The folds hold features apart: a feature's own items would tell on one another.
    guess = cross_val_predict(model, seen, truth, groups=features, cv=GroupKFold(5), method="predict_proba")
    found = auroc(truth, guess[:, 1])
    assert found is not None
    return found


def figures_of(scorer: str, planted: Sequence[Planted]) -> list[Figure]:
    """Return how many items there are of either kind, and how far each classifier comes from tossing a coin."""
    items = [item for one in planted for item in items_of(scorer, one)]
    n_right = sum(item.is_right for item in items)
    views = {**VIEWS, "all_of_these": everything} if scorer == "fuzzing" else {k: VIEWS[k] for k in ("order", "length")}
    areas = {name: read_off(items, view) for name, view in views.items()} | {"prompt_words": read_words(items)}
    return [
        at_least(f"shortcut_items_of_the_rarer_kind_{scorer}", min(n_right, len(items) - n_right), 1500),
        *(at_most(f"shortcut_{scorer}_{name}_off_0.5", abs(area - 0.5), 0.03) for name, area in areas.items()),
    ]


def figures(planted: Sequence[Planted]) -> list[Figure]:
    """Return what detection and fuzzing give away."""
    return [figure for scorer in ("detection", "fuzzing") for figure in figures_of(scorer, planted)]
