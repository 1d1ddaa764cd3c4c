"""Builders: evidence about a feature of tokens."""

import pytest

from autointerp.core.types import Evidence, FeatureId, Sample, TokenStat, Window


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
