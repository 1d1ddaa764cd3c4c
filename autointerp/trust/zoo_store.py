"""The zoo as a source of windows, like a harvest: every feature planted in the same text at its own density."""

from collections.abc import Iterable, Iterator, Sequence

from autointerp.core.draws import draw, draw_key
from autointerp.core.errors import ConfigError
from autointerp.core.types import FeatureId, Window
from autointerp.trust.templates import template_windows
from autointerp.trust.zoo import WindowLike, ZooFeature

DOCS_AT_ONCE = 60
MAX_DOCS = 100_000


class ZooStore:
    """An ``ActivationStore`` over planted features: ``features`` by index, ``windows`` of one feature."""

    def __init__(self, zoo: Iterable[ZooFeature], tiles: Sequence[WindowLike], *, seed: int = 0) -> None:
        self._zoo = {feature.feature: feature for feature in sorted(zoo, key=lambda f: f.feature)}
        self._tiles = tuple(tiles)
        self._seed = seed

    def features(self) -> Iterator[FeatureId]:
        """Yield the features by index."""
        return iter(self._zoo)

    def windows(self, feature: FeatureId) -> Iterator[Window]:
        """Yield the tiles with the feature's activations, the made-up documents behind the text."""
        planted = self._zoo[feature]
        if planted.density is None:
            return iter(natural_windows(planted, self._tiles))
        return iter(windows_at(planted, self._tiles, density=planted.density, seed=self._seed))


def natural_windows(feature: ZooFeature, tiles: Iterable[WindowLike]) -> tuple[Window, ...]:
    """Return the tiles as they are, with the feature's activations."""
    return tuple(Window(t.doc, t.start, t.tokens, feature.predicate.activations(t.tokens)) for t in tiles)


def windows_at(feature: ZooFeature, tiles: Sequence[WindowLike], *, density: float, seed: int) -> tuple[Window, ...]:
    """Return tiles of which a share *density* fires, exact to one tile.

    A keyed draw of the text's own firing tiles where it has more than enough; made-up ones
    (``templates``) join where it has too few. Silent tiles all stay, near-misses among them.

    Raises:
        ConfigError: The feature's templates hardly ever fire.
    """
    natural = natural_windows(feature, tiles)
    own = [tile for tile in natural if tile.is_firing]
    n_silent = len(natural) - len(own)
    n_firing = round(density * n_silent / (1 - density))
    kept = {t.item for t in draw(own, n_firing, seed=seed, key=lambda t: ("zoo", feature.name, t.item))}
    made_up = _firing_templates(feature, n_firing - len(kept), seed=seed)
    return (*(tile for tile in natural if not tile.is_firing or tile.item in kept), *made_up)


def _firing_templates(feature: ZooFeature, n: int, *, seed: int) -> list[Window]:
    """Return *n* firing tiles made of the feature's own sentences."""
    found: list[Window] = []
    n_docs = DOCS_AT_ONCE
    while len(found) < n:
        if n_docs > MAX_DOCS:
            msg = f"zoo: {feature.name}: its templates give {len(found)} firing tiles, {n} needed; add firing lines"
            raise ConfigError(msg)
        found = [tile for tile in template_windows(feature, n_docs, seed=seed) if tile.is_firing]
        n_docs *= 2
    return sorted(sorted(found, key=lambda t: draw_key(seed, t.item))[: max(0, n)], key=lambda t: t.item)
