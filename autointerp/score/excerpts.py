"""Nine-token excerpts of all strengths (Towards Monosemanticity, automated interpretability)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from autointerp.core.draws import draw, uniform
from autointerp.core.types import Evidence, Sample, Window
from autointerp.score.settings import ScoreSettings

LENGTH = 9


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Up to nine tokens of a held-out tile, and the tile's inclusion weight."""

    window: Window
    weight: float


def choose_excerpts(evidence: Evidence, settings: ScoreSettings) -> list[Excerpt]:
    """Return the excerpts by name, each tile once: by default 6 + 24 + 10 + 20, fewer where there are fewer.

    From top tiles and in turn from every stratum those that hold the tile's peak, from random tiles any,
    from silent ones those that hold a token on which a top tile peaks: the token out of its context.
    The token in question may stand at any of the nine places.
    """
    found: dict[str, Excerpt] = {}
    for sample, place in _choose_places(evidence, settings):
        excerpt = Excerpt(_cut(sample.window, place, settings.seed), sample.weight)
        found.setdefault(sample.window.item, excerpt)
    return sorted(found.values(), key=lambda excerpt: excerpt.window.item)


def _choose_places(evidence: Evidence, settings: ScoreSettings) -> Iterator[tuple[Sample, int]]:
    """Yield tiles with the place of the token their excerpt has to hold."""
    n_top, n_strata, n_random, n_silent = settings.n_excerpts
    samples = _shuffled(evidence, settings.seed)
    top = [s for s in samples if s.stratum == "top"]
    strong = [*top[:n_top], *islice(_spread(samples), n_strata)]
    yield from ((sample, _peak_place(sample.window)) for sample in strong)
    for sample in [s for s in samples if s.stratum == "random"][:n_random]:
        yield sample, int(uniform(settings.seed, "place", sample.window.item) * len(sample.window.tokens))
    yield from islice(_out_of_context(samples, {s.window.tokens[_peak_place(s.window)] for s in top}), n_silent)


def _shuffled(evidence: Evidence, seed: int) -> list[Sample]:
    key = ("spearman", str(evidence.feature))
    return draw(evidence.held_out, len(evidence.held_out), seed=seed, key=lambda s: (*key, s.stratum, s.window.item))


def _spread(samples: list[Sample]) -> Iterator[Sample]:
    """Yield the samples of the strata in turns, the strongest stratum first."""
    strata: defaultdict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.stratum.startswith("firing:"):
            strata[int(sample.stratum.removeprefix("firing:"))].append(sample)
    rounds = zip_longest(*(strata[number] for number in sorted(strata, reverse=True)))
    return (sample for sample in chain.from_iterable(rounds) if sample is not None)


def _out_of_context(samples: list[Sample], tokens: set[str]) -> Iterator[tuple[Sample, int]]:
    """Yield silent tiles that hold one of the tokens with its place, those drawn for it first."""
    silent = [s for s in samples if s.stratum.startswith("silent")]
    for sample in sorted(silent, key=lambda s: s.stratum != "silent:same_token"):
        place = next((place for place, token in enumerate(sample.window.tokens) if token in tokens), None)
        if place is not None:
            yield sample, place


def _peak_place(window: Window) -> int:
    return window.activations.index(window.peak)


def _cut(window: Window, place: int, seed: int) -> Window:
    """Return nine tokens of the window around the place, which stands at any of the nine by keyed draw."""
    first, last = max(0, place - LENGTH + 1), max(0, min(place, len(window.tokens) - LENGTH))
    at = first + int(uniform(seed, "cut", window.item) * (last - first + 1))
    cut = slice(at, at + LENGTH)
    return Window(window.doc, window.start + at, window.tokens[cut], window.activations[cut])
