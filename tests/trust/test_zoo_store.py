"""The zoo is a source of windows like any other, at the densities chosen for it."""

import pytest

from autointerp.core.protocols import ActivationStore
from autointerp.core.types import Window
from autointerp.trust.zoo import ZooFeature, true_f1
from autointerp.trust.zoo_store import ZooStore, windows_at


@pytest.mark.parametrize("density", [0.01, 0.1, 0.3])
def test_density_is_exact_to_a_tile(
    one_of_each_kind: tuple[ZooFeature, ...], tiles: list[Window], density: float
) -> None:
    """Whatever the text holds by itself, the share of firing tiles is the one asked for; silent tiles stay."""
    for feature in one_of_each_kind:
        planted = windows_at(feature, tiles, density=density, seed=0)
        n_firing = sum(window.is_firing for window in planted)
        assert abs(n_firing - density * len(planted)) <= 1, feature.name
        silent = {tile.item for tile in tiles if not any(feature.predicate.activations(tile.tokens))}
        assert {window.item for window in planted if not window.is_firing} == silent
        assert len({window.item for window in planted}) == len(planted)


def test_windows_are_the_features_own(zoo: tuple[ZooFeature, ...], tiles: list[Window]) -> None:
    """Every feature by index, its activations those of its predicate, the exact label worth 1."""
    store: ActivationStore = ZooStore(reversed(zoo), tiles)
    assert list(store.features()) == [feature.feature for feature in zoo]
    for feature in zoo[::9]:
        windows = list(store.windows(feature.feature))
        assert all(w.activations == feature.predicate.activations(w.tokens) for w in windows)
        assert true_f1(feature.rungs[0], feature, windows) in (1.0, None)


def test_order_of_the_text_does_not_matter(one_of_each_kind: tuple[ZooFeature, ...], tiles: list[Window]) -> None:
    """The same tiles are kept and made up, in whatever order the text comes."""
    for feature in one_of_each_kind:
        straight, turned = (set(windows_at(feature, t, density=0.05, seed=1)) for t in (tiles, tiles[::-1]))
        assert straight == turned
