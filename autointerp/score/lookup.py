"""The look-up control: what a table of mean activations per token would score, without label or judge.

Bills et al. 2023 ("token lookup table"): it beats a model's explanation on average, since many features
fire on single tokens. Single-token features of random weights are seen through by this control alone.
"""

from math import floor

from autointerp.core.protocols import Scorer
from autointerp.core.types import (
    Digits,
    Evidence,
    Explanation,
    Labelled,
    Prediction,
    Question,
    Reply,
    TokenStat,
    Window,
    YesNo,
)

LOOKUP = "lookup"


def lookup_label(evidence: Evidence) -> Labelled:
    """Return what stands in the tables where a label would: ``control:lookup``."""
    text = "(mean activation of each token on the shown side)"
    explanation = Explanation(evidence.feature, text, explainer=f"control:{LOOKUP}", model=LOOKUP)
    return Labelled(explanation, control=LOOKUP)


def predict_by_lookup(scorer: Scorer, evidence: Evidence) -> list[Prediction]:
    """Return the scorer's predictions with the table in the judge's place.

    None with too few examples, and none of a scorer whose questions no table can answer.
    """
    labelled = lookup_label(evidence)
    questions = scorer.questions(evidence, labelled)
    if not scorer.uses_label or not all(map(can_look_up, questions)):
        return []
    return [
        prediction
        for question in questions
        for prediction in scorer.read(evidence, labelled, LOOKUP, question, lookup_reply(evidence, question))
    ]


def can_look_up(question: Question) -> bool:
    """Return whether a table of tokens answers it: yes or no, or a digit for each token of the window."""
    window = question.about.window if question.about else None
    match question.wants:
        case Digits(count=count):
            return window is not None and count == len(window.tokens)
        case YesNo():
            return window is not None
    return False


def lookup_reply(evidence: Evidence, question: Question) -> Reply:
    """Return the table's answer to a scorer's question.

    Digits: the token's mean activation, relative to the peak, as a distribution over two neighbouring
    digits with that expected value. Yes or no: the largest share of its occurrences on which any
    token of the window fired, so that 0.5 means what it means for a judge; where tokens are marked,
    the mean share of these.

    Raises:
        ValueError: The table cannot answer what the question wants.
    """
    window = question.about.window if question.about else None
    assert window is not None, "look-up needs the window asked about"
    table = {stat.token: stat for stat in evidence.token_stats}
    match question.wants:
        case Digits(scale=scale):
            rows = tuple(_digits(table.get(token), evidence.peak, scale) for token in window.tokens)
        case YesNo():
            rows = (_yes_no(table, window, question.about.marked if question.about else ()),)
        case other:
            msg = f"a token look-up cannot answer a question that wants {type(other).__name__}"
            raise ValueError(msg)
    return Reply(question.key, LOOKUP, "", rows, LOOKUP, 0, 0, 0, 0.0, 0.0)


def _digits(stat: TokenStat | None, peak: float, scale: int) -> tuple[float, ...]:
    """Return probabilities of 0..scale whose expected value is scale * mean activation / peak."""
    value = min(scale * stat.mean_activation / peak, float(scale)) if stat is not None and peak > 0 else 0.0
    below = min(floor(value), scale - 1)
    row = [0.0] * (scale + 1)
    row[below], row[below + 1] = 1.0 - (value - below), value - below
    return tuple(row)


def _yes_no(table: dict[str, TokenStat], window: Window, marked: tuple[int, ...]) -> tuple[float, float]:
    """Return (P(yes), P(no)) from the most telling token of the window, or from the marked ones together."""
    shares = [_share(table.get(window.tokens[place])) for place in marked or range(len(window.tokens))]
    yes = sum(shares) / len(shares) if marked else max(shares)
    return yes, 1.0 - yes


def _share(stat: TokenStat | None) -> float:
    """Return on which share of its occurrences the token fired, 0 for one never seen."""
    return min(stat.fired / stat.seen, 1.0) if stat is not None and stat.seen > 0 else 0.0
