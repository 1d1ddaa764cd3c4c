"""Judges that are functions: they evaluate the label's meaning, then err as often as they are told to."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from autointerp.core.draws import uniform
from autointerp.core.errors import AskFailed, ConfigError
from autointerp.core.types import About, Digits, Json, Question, Reason, Text, Window, YesNo
from autointerp.score.simulation_json import SimulationJson
from autointerp.trust.predicates import Never, Predicate

Answer = str | float | Sequence[Sequence[float]]
Function = Callable[[Question], Answer]
SETTINGS = ("sensitivity", "specificity", "correlation", "seed")
WRITTEN_SCALE = 9
"""The largest strength written as JSON; the question does not say how far the numbers may go, 10 at most."""
EXAMPLES = "oracle:sensitivity=0.8,specificity=0.8 or constant:0.5"


@dataclass(frozen=True, slots=True)
class Oracle:
    """Says yes to a share *sensitivity* of the texts that fit a label, no to *specificity* of the others.

    ``correlation``: the share of items on which judges of every seed err alike, as models trained on
    the same text do.
    """

    sensitivity: float = 1.0
    specificity: float = 1.0
    seed: int = 0
    correlation: float = 0.0

    def __post_init__(self) -> None:
        for name in ("sensitivity", "specificity", "correlation"):
            _check_share(f"oracle: {name}", getattr(self, name))


@dataclass(frozen=True, slots=True)
class Constant:
    """Says the same to everything: P(yes) = share, expected digit = share x scale."""

    share: float

    def __post_init__(self) -> None:
        _check_share("constant", self.share)


def parse_judge(name: str) -> Oracle | Constant:
    """Return the judge named ``oracle``, ``oracle:sensitivity=0.8,specificity=0.8`` or ``constant:0.5``.

    Raises:
        ConfigError: The name has another form, an unknown setting or a number outside [0, 1].
    """
    kind, _, rest = name.partition(":")
    if kind == "constant":
        return Constant(_read_number(name, rest))
    if kind == "oracle":
        pairs = [part.partition("=") for part in rest.split(",") if part.strip()]
        return _read_oracle(name, {key.strip(): value for key, _, value in pairs})
    msg = f"{name!r} is not a judge that is a function; write {EXAMPLES}"
    raise ConfigError(msg)


def judge_function(judge: Oracle | Constant, meanings: Mapping[str, Predicate]) -> Function:
    """Return the judge as a function of a question, looking only at ``wants`` and ``about``, never at activations.

    YesNo is answered with 0.0 or 1.0, Text with Yes or No (or strengths as JSON, where these are asked
    for), Digits with one row a token, all on one digit, or with one row for the verdict. Where tokens
    are marked these are judged; where there are options the row says which is chosen. A blank label
    means nothing fits. The function raises AskFailed for a label whose meaning it does not know: an
    oracle that guessed would pass for a judge.

    Args:
        judge: From ``parse_judge``.
        meanings: What each label's text means, see ``zoo.meanings``.
    """
    if isinstance(judge, Constant):
        return lambda question: _constant(judge.share, question)
    return lambda question: _answer(judge, meanings, question)


def says_yes(judge: Oracle, *, label: str, item: str, fits: bool) -> bool:
    """Return the verdict on a text that does or does not fit; the noise is keyed by label and item alone.

    A better judge errs on a subset of a worse one's items.
    """
    is_shared = judge.correlation > 0 and uniform(0, "shared", label, item) < judge.correlation
    draw = uniform(0 if is_shared else judge.seed, "oracle", label, item)
    return draw < judge.sensitivity if fits else draw >= judge.specificity


def _answer(judge: Oracle, meanings: Mapping[str, Predicate], question: Question) -> Answer:
    about = question.about
    if about is None or (about.window is None and not about.options):
        raise AskFailed(Reason.PROVIDER_ERROR, "an oracle judges a text by a label; the question names none")
    meant = _meaning(meanings, about.label)
    if about.options:
        return [_pick(judge, meant, about)]
    assert about.window is not None, "options or a window: checked above"
    strengths = meant.activations(about.window.tokens)
    fits = _are_marks_right(strengths, about.marked) if about.marked else any(strengths)
    is_yes = says_yes(judge, label=about.label, item=about.item, fits=fits)
    match question.wants:
        case YesNo():
            return float(is_yes)
        case Digits(count=1, scale=scale) if about.marked or len(strengths) > 1:
            return [_one_hot(scale * is_yes, scale)]
        case Digits(count=count, scale=scale):
            assert count == len(strengths), f"{count} placeholders for {len(strengths)} tokens of {about.item}"
            return [_one_hot(round(scale * one), scale) for one in _seen(judge, strengths, about)]
        case Text() if about.scorer == SimulationJson.name:
            return _written(about.window, [round(WRITTEN_SCALE * one) for one in _seen(judge, strengths, about)])
        case Text() | Json():
            return "Yes" if is_yes else "No"


def _are_marks_right(strengths: Sequence[float], marked: Sequence[int]) -> bool:
    """Return whether the label names at least half of the marked tokens; what is not marked says nothing.

    Not all: a feature marks tokens a right label for it names, and beside them what it fires on weakly.
    """
    return 2 * sum(strengths[place] > 0 for place in marked) >= len(marked)


def _pick(judge: Oracle, meant: Predicate, about: About) -> tuple[float, ...]:
    """Return P(option) behind a 0 for no option: those that fit as the question wants, none likelier than another.

    Beside a new window that is those which fit if it does, and do not if it does not; of two the one
    that fits, of more the one that does not. Where all are alike the judge guesses.
    """

    def fits(window: Window, number: int) -> bool:
        is_fitting = any(meant.activations(window.tokens))
        return says_yes(judge, label=about.label, item=f"{about.item}:{number}", fits=is_fitting)

    wanted = fits(about.window, 0) if about.window else len(about.options) == 2
    picked = [fits(option, number) == wanted for number, option in enumerate(about.options, 1)]
    picked = picked if any(picked) else [True] * len(picked)
    return (0.0, *(one / sum(picked) for one in picked))


def _meaning(meanings: Mapping[str, Predicate], label: str) -> Predicate:
    if not label.strip():
        return Never()
    if label not in meanings:
        raise AskFailed(Reason.PROVIDER_ERROR, f"the oracle does not know what {label!r} means")
    return meanings[label]


def _seen(judge: Oracle, truth: Sequence[float], about: About) -> list[float]:
    """Return the activation the judge claims, [T]: where it says yes the label's, or 1 on a token that does not fit.

    Each token has a verdict of its own, as if it were a text: noise for whole windows would let a
    judge with sensitivity + specificity = 1, who knows nothing, still point at the right tokens.
    """
    return [
        float(says_yes(judge, label=about.label, item=f"{about.item}:{place}", fits=activation > 0))
        * (activation or 1.0)
        for place, activation in enumerate(truth)
    ]


def _written(window: Window, digits: Sequence[int]) -> str:
    """Return strengths as a judge without probabilities writes them."""
    pairs = zip(window.tokens, digits, strict=True)
    return json.dumps([{"token": token, "activation": digit} for token, digit in pairs])


def _constant(share: float, question: Question) -> Answer:
    about = question.about
    match question.wants:
        case YesNo():
            return share
        case Text() if about and about.window and about.scorer == SimulationJson.name:
            return _written(about.window, [round(WRITTEN_SCALE * share)] * len(about.window.tokens))
        case Text() | Json():
            return "Yes" if share >= 0.5 else "No"
        case Digits(count=count, scale=scale):
            return [(1.0 - share, *[0.0] * (scale - 1), share)] * count


def _one_hot(digit: int, scale: int) -> tuple[float, ...]:
    return tuple(float(k == digit) for k in range(scale + 1))


# ---- reading names


def _read_oracle(name: str, values: Mapping[str, str]) -> Oracle:
    for key in values:
        if key not in SETTINGS:
            near = get_close_matches(key, SETTINGS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"write {EXAMPLES}"
            msg = f"{name!r}: an oracle has no setting {key!r}; {hint}"
            raise ConfigError(msg)
    shares = {key: _read_number(name, value) for key, value in values.items() if key != "seed"}
    return Oracle(**shares, seed=int(_read_number(name, values.get("seed", "0"))))


def _read_number(name: str, text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", text.strip()):
        msg = f"{name!r}: {text!r} is not a number; write {EXAMPLES}"
        raise ConfigError(msg)
    return float(text)


def _check_share(what: str, share: float) -> None:
    if not 0 <= share <= 1:
        msg = f"{what} = {share} must lie in [0, 1]; write {EXAMPLES}"
        raise ConfigError(msg)
