"""The lexical explainer: planted tokens, affixes and contexts are found, and noise is not."""

import pytest

from autointerp.core.types import Explanation, Reason, Sample, TokenStat, Window
from autointerp.explain import EXPLAINERS, ExplainSettings
from autointerp.explain.lexical import LexicalRule, find_rule, lift


@pytest.fixture
def explainer():
    return EXPLAINERS["lexical"](None, ExplainSettings())


def windows_of(pairs):
    """One firing window a (before, token) pair, followed by filler."""
    return [
        Sample(Window(f"d{i}", 0, (" the", before, token, " filler"), (0.0, 0.0, 5.0, 0.0)), "firing:3", 1.0)
        for i, (before, token) in enumerate(pairs)
    ]


def test_tokens_by_lift(explainer, colours):
    """The tokens it fires on, commonest first; a frequent token with one accidental firing is not named."""
    assert explainer.question(colours) is None
    found = explainer.read(colours, None)
    assert isinstance(found, Explanation)
    assert found.text == 'the token "red" (also "blue") directly after "a"'


def test_rule_runs_on_text(make_evidence):
    """The sentence is also a rule that says where it fires."""
    evidence = make_evidence(stats=[TokenStat(" red", 60, 58, 7.0)])
    rule = find_rule(evidence, ExplainSettings())
    assert rule == LexicalRule(tokens=frozenset([" red"]))
    assert rule.fires(Window("x", 0, ("a", " red", " hat"), (0.0, 0.0, 0.0))) == (0.0, 1.0, 0.0)


def test_affix(make_evidence, explainer):
    """Many words that share an ending are named by it."""
    stats = [
        TokenStat(f" {stem}tion", 20, 15, 3.0)
        for stem in ("na", "sta", "rela", "emo", "atten", "frac", "mo", "no", "cau", "posi")
    ]
    evidence = make_evidence(stats=stats)
    rule = find_rule(evidence, ExplainSettings())
    assert rule.suffix == "tion"
    assert explainer.read(evidence, None).text == 'words ending in "tion"'
    assert rule.fires(Window("x", 0, (" Nation", " cat"), (0.0, 0.0))) == (1.0, 0.0)


def test_context(make_evidence, explainer):
    """Different words after one word are named by what stands before them."""
    names = ["Ann", "Bob", "Cyd", "Dan", "Eve", "Fay", "Gus", "Hal", "Ivy", "Joe", "Kim", "Leo", "Max", "Ned", "Oli"]
    evidence = make_evidence(
        windows_of((" Mr", f" {name}") for name in names), [TokenStat(f" {n}", 50, 1, 0.1) for n in names]
    )
    assert explainer.read(evidence, None).text == 'the token directly after "Mr"'
    rule = find_rule(evidence, ExplainSettings())
    assert rule.fires(Window("x", 0, (" Mr", " Zed", " ran"), (0.0, 0.0, 0.0))) == (0.0, 1.0, 0.0)


def test_token_in_context(make_evidence, explainer):
    """ "stop" after "don't" is both."""
    evidence = make_evidence(windows_of([(" don't", " stop")] * 6), [TokenStat(" stop", 20, 9, 2.0)])
    assert explainer.read(evidence, None).text == 'the token "stop" directly after "don\'t"'


def test_nothing_stands_out(make_evidence, explainer):
    """A dense feature that fires on every token alike has no lexical label."""
    stats = [TokenStat(f" w{i}", 100, 20, 1.0) for i in range(50)]
    assert explainer.read(make_evidence(stats=stats, density=0.2), None).reason is Reason.EXPLAIN_FAILED
    assert explainer.read(make_evidence(), None).reason is Reason.EXPLAIN_FAILED


def test_lift_distrusts_single_sightings():
    """Once of once is weaker evidence than 90 of 100."""
    assert lift(TokenStat("a", 1, 1, 1.0), 0.1) < lift(TokenStat("b", 100, 90, 1.0), 0.1)
