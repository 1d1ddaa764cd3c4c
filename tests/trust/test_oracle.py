"""An oracle evaluates the label, never the feature, and errs as often as it is told to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from autointerp.core.errors import AskFailed, ConfigError
from autointerp.core.types import About, Digits, FeatureId, Question, Text, Wants, Window, YesNo
from autointerp.trust.oracle import Constant, Oracle, judge_function, parse_judge
from autointerp.trust.predicates import Always, Lexicon

MEANINGS = {"kings": Lexicon(("king",)), "anything": Always()}
FITS, OTHER = (" The", " king", " sat"), (" The", " cat", " sat")


def ask(label: str, tokens: tuple[str, ...], *, item: int = 0, wants: Wants | None = None) -> Question:
    """A question about one window; its activations are the opposite of what the label says."""
    activations = tuple(0.0 if "king" in token else 5.0 for token in tokens)
    window = Window("d", item, tokens, activations)
    return Question("", "", 1, wants or YesNo(), about=About(FeatureId("z", 0), window.item, label, window))


@pytest.mark.parametrize(
    ("name", "judge"),
    [
        ("oracle", Oracle()),
        ("oracle:", Oracle()),
        ("oracle:sensitivity=0.8,specificity=0.9", Oracle(0.8, 0.9)),
        ("oracle: specificity=.5 , seed=3", Oracle(1.0, 0.5, 3)),
        ("oracle:sensitivity=0.8,correlation=0.5,seed=2", Oracle(0.8, 1.0, 2, 0.5)),
        ("constant:0.5", Constant(0.5)),
    ],
)
def test_names(name: str, judge: Oracle | Constant) -> None:
    """Judges are named as on the command line."""
    assert parse_judge(name) == judge


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("oracle:sensitivty=0.8", "did you mean sensitivity"),
        ("oracle:sensitivity=high", "not a number"),
        ("oracle:sensitivity=nan", "not a number"),
        ("oracle:sensitivity=1.2", r"lie in \[0, 1\]"),
        ("constant:2", r"lie in \[0, 1\]"),
        ("constant", "not a number"),
        ("gpt-4", "write oracle:"),
    ],
)
def test_wrong_names_are_refused(name: str, message: str) -> None:
    """The error says what to write."""
    with pytest.raises(ConfigError, match=message):
        parse_judge(name)


def test_a_perfect_oracle_follows_the_label_not_the_feature() -> None:
    """The windows' own activations say the opposite and are not looked at."""
    function = judge_function(Oracle(), MEANINGS)
    assert function(ask("kings", FITS)) == 1.0
    assert function(ask("kings", OTHER)) == 0.0
    assert function(ask("anything", OTHER)) == 1.0
    assert function(ask("kings", FITS, wants=Text())) == "Yes"
    rows = function(ask("kings", FITS, wants=Digits(3, "?", "", 9)))
    assert [max(range(10), key=row.__getitem__) for row in rows] == [0, 9, 0]  # type: ignore[union-attr, arg-type]


@given(st.integers(0, 10**6), st.sampled_from(["", " ", "\n"]), st.integers(0, 5))
def test_blank_is_always_no(item: int, label: str, seed: int) -> None:
    """With perfect specificity a blank label fits nothing."""
    function = judge_function(Oracle(0.5, 1.0, seed), MEANINGS)
    assert function(ask(label, FITS, item=item)) == 0.0


def test_an_unknown_label_is_no_answer() -> None:
    """An oracle does not guess what a label means; nor does it answer without a text."""
    function = judge_function(Oracle(), MEANINGS)
    with pytest.raises(AskFailed, match="does not know"):
        function(ask("queens", FITS))
    with pytest.raises(AskFailed, match="names none"):
        function(Question("", "", 1, YesNo()))


@pytest.mark.parametrize(("tokens", "yes"), [(FITS, 0.8), (OTHER, 0.3)])
def test_errors_are_as_frequent_as_said(tokens: tuple[str, ...], yes: float) -> None:
    """Of 2,000 texts the share answered yes lies in the 99.9% binomial interval."""
    function = judge_function(Oracle(sensitivity=0.8, specificity=0.7), MEANINGS)
    n_yes = sum(float(function(ask("kings", tokens, item=item))) for item in range(2000))  # type: ignore[arg-type]
    assert binom.ppf(0.0005, 2000, yes) <= n_yes <= binom.ppf(0.9995, 2000, yes)


def test_errors_of_tokens_are_as_frequent_as_said() -> None:
    """In a simulation every token is missed or made up at the same rates, and knowing nothing shows nothing."""
    function = judge_function(Oracle(sensitivity=0.8, specificity=0.7), MEANINGS)
    n_fired = [0, 0, 0]
    for item in range(1000):
        rows = function(ask("kings", FITS, item=item, wants=Digits(3, "?", "", 9)))
        n_fired = [n + int(row[9]) for n, row in zip(n_fired, rows, strict=True)]  # type: ignore[arg-type, index]
    for n, share in zip(n_fired, (0.3, 0.8, 0.3), strict=True):
        assert binom.ppf(0.0005, 1000, share) <= n <= binom.ppf(0.9995, 1000, share)


@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_a_better_judge_errs_on_a_subset(item: int, one: float, two: float) -> None:
    """Noise is keyed by label and item: what the better judge misses the worse one misses too."""
    worse, better = (judge_function(Oracle(s, s), MEANINGS) for s in sorted((one, two)))
    for tokens, right in ((FITS, 1.0), (OTHER, 0.0)):
        question = ask("kings", tokens, item=item)
        assert worse(question) == worse(question)
        assert better(question) == right or worse(question) != right


def test_a_constant_judge() -> None:
    """It says the same to everything: P(yes), and an expected digit of share x scale."""
    function = judge_function(parse_judge("constant:0.25"), {})
    assert function(ask("any", FITS)) == 0.25
    rows = function(ask("any", FITS, wants=Digits(3, "?", "", 8)))
    assert rows == [(0.75, *[0.0] * 7, 0.25)] * 3
