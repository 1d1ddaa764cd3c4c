"""Keyed draws depend on seed and key alone."""

import subprocess
import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.draws import content_key, draw, draw_key, generator, uniform

items = st.lists(st.integers(), unique=True, max_size=30)
part = st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.none())


@given(items, st.integers(0, 40), st.integers(), st.randoms())
def test_order_does_not_matter(things: list[int], k: int, seed: int, shuffle: Random) -> None:
    """The same sample comes in whatever order the items come; all of them when k is large."""
    mixed = list(things)
    shuffle.shuffle(mixed)
    drawn = draw(mixed, k, seed=seed)
    assert drawn == draw(things, k, seed=seed)
    assert len(drawn) == min(k, len(things))
    assert set(drawn) <= set(things)


@given(items.filter(bool), st.integers(1, 10), st.integers(0, 5))
def test_a_shard_keeps_what_the_whole_would_keep(things: list[int], k: int, seed: int) -> None:
    """Drawing from drawn shards is drawing from the whole: samples can be merged."""
    middle = len(things) // 2
    shards = [*draw(things[:middle], k, seed=seed), *draw(things[middle:], k, seed=seed)]
    assert draw(shards, k, seed=seed) == draw(things, k, seed=seed)


@given(st.lists(part, max_size=4), st.lists(part, max_size=4))
def test_keys_differ_with_the_parts(one: list[object], two: list[object]) -> None:
    """Keys agree exactly when the parts do, with their types and boundaries."""
    assert (content_key(*one) == content_key(*two)) == (list(map(repr, one)) == list(map(repr, two)))


def test_known_keys() -> None:
    """Keys are the same in every version and process: stored files are named by them."""
    assert content_key("a", 1) != content_key("a1") != content_key("a", "1")
    code = "from autointerp.core.draws import content_key; print(content_key('a', 1, (2.5, None)))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert other == content_key("a", 1, (2.5, None))
    assert len(content_key("a", length=32)) == 32


@given(st.integers(), part)
def test_uniform_lies_in_the_unit_interval(seed: int, key: object) -> None:
    """Never 1.0, so that ``uniform() < 1`` always and ``uniform() < 0`` never holds."""
    assert 0 <= uniform(seed, key) < 1
    assert 0 <= draw_key(seed, key) < 2**64


def test_uniform_is_uniform() -> None:
    """Mean and quartiles of 4,000 draws are those of a uniform variable (5 standard errors)."""
    drawn = [uniform(0, i) for i in range(4000)]
    assert sum(drawn) / 4000 == pytest.approx(0.5, abs=5 * 0.289 / 63)
    assert sum(x < 0.25 for x in drawn) / 4000 == pytest.approx(0.25, abs=5 * 0.433 / 63)


def test_generators_are_keyed() -> None:
    """The same key gives the same numbers, another key others."""
    assert generator(0, "a").random() == generator(0, "a").random()
    assert generator(0, "a").random() != generator(0, "b").random()
