"""Documents made of a planted feature's own sentences, for features a corpus seldom shows."""

import re
from collections.abc import Sequence

from autointerp.core.draws import draw_key, uniform
from autointerp.core.types import Window
from autointerp.trust.zoo import HOLE, Templates, ZooFeature

TILE = 32
TILES = 2
SHARE_FIRING = 0.5
PREFIX = "template:"


def template_windows(feature: ZooFeature, n_docs: int, *, seed: int) -> tuple[Window, ...]:
    """Return the tiles of *n_docs* made-up documents of 2 x 32 tokens, with the feature's activations.

    About half the tiles are made of ``firing`` sentences, half of ``near`` ones; which of them fire
    is decided by the predicate alone. Documents are named ``template:<feature>/<number>``.
    """
    return tuple(
        _tile(feature, f"{PREFIX}{feature.name}/{number}", place, seed=seed)
        for number in range(n_docs)
        for place in range(TILES)
    )


def split_text(text: str) -> tuple[str, ...]:
    """Return words with the blanks before them, and signs, each by itself; together they are the text.

    >>> split_text("Don't stop.")
    ('Don', "'", 't', ' stop', '.')
    """
    return tuple(re.findall(r"\s*\w+|\s*[^\w\s]|\s+$", text))


def _tile(feature: ZooFeature, doc: str, place: int, *, seed: int) -> Window:
    templates = feature.templates
    is_firing = uniform(seed, "template", doc, place) < SHARE_FIRING
    tokens = _fill(templates, templates.firing if is_firing else templates.near, seed, doc, place)
    return Window(doc, place * TILE, tokens, feature.predicate.activations(tokens))


def _fill(templates: Templates, sentences: Sequence[str], seed: int, *key: object) -> tuple[str, ...]:
    """Return the first 32 tokens of sentences drawn one after the other."""
    tokens: tuple[str, ...] = ()
    number = 0
    while len(tokens) < TILE:
        sentence = sentences[draw_key(seed, "sentence", *key, number) % len(sentences)]
        tokens += split_text(templates.between + _fill_holes(templates, sentence, seed, *key, number))
        number += 1
    return tokens[:TILE]


def _fill_holes(templates: Templates, sentence: str, seed: int, *key: object) -> str:
    def word(hole: re.Match[str]) -> str:
        words = templates.holes[hole[1]]
        return words[draw_key(seed, "hole", *key, hole.start()) % len(words)]

    return HOLE.sub(word, sentence)
