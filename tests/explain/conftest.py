"""Builders: evidence about a feature of tokens, and what answers an explainer's steps."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from autointerp.core.types import Evidence, FeatureId, Question, Reply, Sample, TokenStat, Window
from autointerp.prompting.files import parse_prompt


def window(doc, tokens, activations, start=0):
    return Window(doc, start, tuple(tokens), tuple(map(float, activations)))


@pytest.fixture
def make_evidence():
    def make(samples=(), stats=(), density=0.001, **more):
        return Evidence(
            FeatureId("toy/64", 1), density, 0.02, 8.0, tuple(samples), (), (), 30, token_stats=tuple(stats), **more
        )

    return make


@pytest.fixture
def colours(make_evidence):
    """8 top windows and 4 in each of 5 buckets, each red or blue with its strength."""
    samples = [Sample(window(f"top{i}", ["a", " red", " car"], [0, 8 - i / 10, 0]), "top", 1.0) for i in range(8)]
    samples += [
        Sample(window(f"f{j}-{i}", ["a", " blue", " hat"], [0, j + 0.5, 0]), f"firing:{j}", 3.0)
        for j in range(5)
        for i in range(4)
    ]
    samples += [Sample(window(f"s{i}", ["the", " end"], [0, 0]), "silent:random", 9.0) for i in range(5)]
    stats = [TokenStat(" red", 60, 58, 7.0), TokenStat(" blue", 40, 30, 2.0), TokenStat(" car", 500, 1, 0.01)]
    return make_evidence(samples, stats, promoted=(" scarlet", "<<\n"), suppressed=(" the",))


@pytest.fixture
def prompts():
    """The prompts that are shipped."""
    folder = Path(__file__).parents[2] / "prompts"
    return {path.stem: parse_prompt(path.stem, path.read_text()) for path in sorted(folder.glob("*.jinja"))}


@pytest.fixture
def judged(colours):
    """Colours with silent windows on the shown side and a select side: red and blue fire, green does not."""

    def tiles(name, token, activation, n):
        stratum = "firing:5" if activation else "silent:near"
        return tuple(Sample(window(f"{name}{i}", ["a", token], [0, activation]), stratum, 1.0) for i in range(n))

    select = (*tiles("sr", " red", 6.0, 3), *tiles("sb", " blue", 3.0, 3), *tiles("sg", " green", 0.0, 6))
    return replace(colours, select=select)


MEANINGS = {"red": {" red"}, "red or blue": {" red", " blue"}, "colours": {" red", " blue", " green"}}


def reply_to(question, text="", rows=(), usd=0.5):
    return Reply(question.key, "model-1", text, rows, "text", 100, 7, 0, 0.1, usd)


@pytest.fixture
def drive():
    """Answer a generator's steps: the explainer from a list of labels, the judge by what a label means."""

    def run(steps: Generator, labels):
        labels, asked, answer = iter(labels), [], None
        try:
            while True:
                question = steps.send(answer)
                assert isinstance(question, Question)
                asked.append(question)
                if question.role == "explainer":
                    answer = next(labels)
                    answer = reply_to(question, answer) if isinstance(answer, str) else answer
                else:
                    yes = float(bool(MEANINGS[question.about.label] & set(question.about.window.tokens)))
                    answer = reply_to(question, rows=((yes, 1 - yes),))
        except StopIteration as end:
            return end.value, asked

    return run
