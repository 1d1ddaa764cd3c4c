"""The zoo is what it says: each feature fires on what its exact label says, and planting does not leak."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.errors import ConfigError
from autointerp.core.types import SIDES, Window
from autointerp.sampling.sides import side_of
from autointerp.trust.frames import SideSizes, draw_side, share_out
from autointerp.trust.ladders import at_density, ladder_of
from autointerp.trust.planting import PlantSettings, plant, population
from autointerp.trust.predicates import Lexicon, Union, is_firing
from autointerp.trust.templates import split_text, template_windows
from autointerp.trust.zoo import ZooFeature, meanings, read_zoo, true_f1


def test_every_feature_has_a_ladder(zoo: tuple[ZooFeature, ...]) -> None:
    """At least sixty features with six labels or more, the demo's four among them, exact first and blank empty."""
    assert len(zoo) >= 60
    for feature in zoo:
        by_name = {rung.rung: rung for rung in feature.rungs}
        assert len(by_name) >= 6
        assert {"exact", "too_broad", "shuffled", "blank"} <= set(by_name)
        assert ("half" in by_name) == (feature.predicate.__class__ is Union and feature.kind == "union")
        assert feature.rungs[0].rung == "exact"
        assert by_name["exact"].predicate == feature.predicate
        assert by_name["blank"].text == ""
        assert by_name["shuffled"].text != by_name["exact"].text


def test_every_kind_is_there(zoo: tuple[ZooFeature, ...]) -> None:
    """Tokens, lexicons, patterns, contexts, families, unions, outputs, positions and noise, from 1e-4 to 0.3."""
    assert {feature.kind for feature in zoo} == {
        "token", "lexicon", "regex", "context", "parent", "child", "absorbed", "union",
        "output", "position", "dense", "dense_noise", "noise",
    }  # fmt: skip
    densities = [feature.density for feature in zoo if feature.density]
    assert (min(densities), max(densities)) == (1e-4, 0.3)


def test_the_shipped_zoo_for_readers_holds_no_noise(zoo: tuple[ZooFeature, ...]) -> None:
    """The files at the top of data/zoo, which judges are certified on, are the features one can read."""
    folder = Path(__file__).parents[2] / "data" / "zoo"
    readable = {feature.name for feature in read_zoo(path.read_text() for path in folder.glob("*.json"))}
    assert readable == {feature.name for feature in zoo if feature.is_readable}
    assert len(zoo) - len(readable) == 4


def test_templates_fire_in_some_and_nearly_in_others(zoo: tuple[ZooFeature, ...]) -> None:
    """Made-up documents hold firing tiles, and silent tiles on which the too broad label fires."""
    for feature in (feature for feature in zoo if feature.is_readable):
        tiles = template_windows(feature, 60, seed=1)
        broad = next(rung.predicate for rung in feature.rungs if rung.rung == "too_broad")
        kinds = Counter((tile.is_firing, is_firing(broad, tile.tokens)) for tile in tiles)
        assert kinds[True, True] >= 25, feature.name
        assert kinds[False, True] >= 10, feature.name
        assert all(len(tile.tokens) == 32 and tile.start in (0, 32) for tile in tiles)
        assert not any("{" + hole + "}" in tile.text for tile in tiles for hole in feature.templates.holes)


@given(st.text())
def test_split_text_loses_nothing(text: str) -> None:
    """Tokens together are the text."""
    assert "".join(split_text(text)) == text


def test_truth_of_the_ladder(one_of_each_kind: tuple[ZooFeature, ...], tiles: Sequence[Window]) -> None:
    """Exact and paraphrase are worth 1, blank 0, every other label at most as much; two ways of counting agree."""
    for feature in one_of_each_kind:
        everything = population(feature, tiles)
        for rung, step in zip(feature.rungs, ladder_of(feature, tiles).steps, strict=True):
            assert step.f1 == (true_f1(rung, feature, everything) or 0.0)
            assert step.explanation == feature.labelled(rung).explanation.key
            if rung.rung in ("exact", "paraphrase"):
                assert step.f1 == 1.0
            if rung.rung == "blank":
                assert step.f1 == 0.0


def test_templates_alone_tell_every_label_apart(zoo: tuple[ZooFeature, ...]) -> None:
    """Without any corpus a wrong label is worth less than the exact one, and a worthless one less than half."""
    for feature in zoo:
        worth = {step.rung: step.f1 for step in ladder_of(feature, []).steps}
        assert all(f1 < 1 for rung, f1 in worth.items() if rung not in ("exact", "paraphrase")), feature.name
        assert worth["shuffled"] < 0.5
        assert worth["too_broad"] < 0.9


def test_f1_by_hand(zoo: tuple[ZooFeature, ...]) -> None:
    """Three windows fire, the label says two of them and one other: F1 = 2*2 / (2*2 + 1 + 1)."""
    months = zoo[0]
    broad = type(months.rungs[0])("sibling", "", Lexicon(("April", "June", "Monday")))
    texts = ["In April", "In June", "In July", "On Monday", "Today"]
    windows = [Window("d", 32 * i, split_text(t), (0.0,) * len(split_text(t))) for i, t in enumerate(texts)]
    assert true_f1(broad, months, windows) == pytest.approx(4 / 6)
    assert true_f1(broad, months, windows[-1:]) is None


def test_worth_at_another_density(one_of_each_kind: tuple[ZooFeature, ...]) -> None:
    """At the density counted nothing changes; in rarer text a too broad label is worth less, an exact one 1."""
    for feature in one_of_each_kind:
        ladder = ladder_of(feature, [])
        counted = plant(feature, []).window_density
        same, rarer = at_density(ladder, counted), at_density(ladder, counted / 10)
        assert [step.f1 for step in same.steps] == pytest.approx([step.f1 for step in ladder.steps])
        worth = {step.rung: (step.f1, rare.f1) for step, rare in zip(ladder.steps, rarer.steps, strict=True)}
        assert worth["exact"] == (1.0, 1.0)
        assert worth["too_broad"][1] < worth["too_broad"][0]
        assert ladder_of(feature, [], PlantSettings(window_density=counted / 10)) == rarer


def test_planted_evidence_is_true(one_of_each_kind: tuple[ZooFeature, ...], tiles: list[Window]) -> None:
    """Activations are the predicate's, sides follow documents, counts are those of what was drawn from."""
    settings = PlantSettings(seed=3)
    for feature in one_of_each_kind:
        evidence, everything = plant(feature, tiles, settings), population(feature, tiles, settings)
        for side in SIDES:
            for sample in getattr(evidence, side):
                assert sample.window.activations == feature.predicate.activations(sample.window.tokens)
                assert side_of(sample.window.doc, seed=3) == side
        held_out = [tile for tile in everything if side_of(tile.doc, seed=3) == "held_out"]
        assert evidence.n_available == sum(tile.is_firing for tile in held_out)
        assert evidence.n_available >= settings.min_available or not feature.is_readable
        assert evidence.window_density == sum(t.is_firing for t in everything) / len(everything)
        assert plant(feature, list(reversed(tiles)), settings).held_out == evidence.held_out


def test_twelve_items(one_of_each_kind: tuple[ZooFeature, ...], tiles: list[Window]) -> None:
    """The default held-out side is twelve distinct items, half of them firing; other halves have weight 0."""
    for feature in one_of_each_kind:
        held_out = plant(feature, tiles).held_out
        items = [sample.window for sample in held_out if sample.stratum != "neighbour"]
        assert len({window.item for window in items}) == len(items) == 12
        assert sum(window.is_firing for window in items) == min(6, plant(feature, tiles).n_available)
        assert all((s.weight == 0) == (s.stratum == "neighbour") for s in held_out)


def test_templates_join_only_when_needed(zoo: tuple[ZooFeature, ...], tiles: list[Window]) -> None:
    """A corpus with enough firing and near tiles is left alone; templates are known by their name."""
    stop = next(feature for feature in zoo if feature.name == "stop_after_dont")
    rich = [Window(f"book{t.doc}", t.start, t.tokens, t.activations) for t in template_windows(stop, 120, seed=9)]
    assert len(population(stop, rich)) == len(rich)
    joined = population(stop, tiles)[len(tiles) :]
    assert joined
    assert all(tile.doc.startswith("template:stop_after_dont/") for tile in joined)


def graded(n: int) -> list[Window]:
    """Tiles of every peak: silent, weak, strong and at the top."""
    return [Window(f"d{i}", 0, ("a",), (max(0, i % 5 - 1) / 3,)) for i in range(n)]


@pytest.mark.parametrize("random", [0, 6])
def test_weights_are_inclusion_weights(random: int) -> None:
    """Over many keyed draws the weights of the distinct tiles add up to the population, stratum by stratum."""
    tiles, sizes = graded(60), SideSizes(top=5, firing=6, silent=4, near=3, random=random)
    total: Counter[float] = Counter()
    n_draws = 400
    for seed in range(n_draws):
        samples = draw_side(tiles, sizes, lambda t: not t.is_firing and int(t.doc[1:]) % 2 == 0, (seed, "f", "s"))
        for window, weight in {s.window: s.weight for s in samples if s.weight}.items():
            total[window.peak] += weight / n_draws
    for peak, n in Counter(tile.peak for tile in tiles).items():
        assert total[peak] == pytest.approx(n, rel=0.1)


@given(st.integers(0, 30), st.dictionaries(st.integers(0, 9), st.integers(1, 8), max_size=6))
def test_share_out(k: int, sizes: dict[int, int]) -> None:
    """Everything asked for is given, no bucket gives more than it has, and none is passed over."""
    given_out = share_out(k, sizes)
    assert sum(given_out.values()) == min(k, sum(sizes.values()))
    assert all(given_out[j] <= sizes[j] for j in sizes)
    open_ones = [given_out[j] for j in sizes if given_out[j] < sizes[j]]
    assert not open_ones or max(given_out.values()) <= min(open_ones) + 1


def test_meanings_are_unambiguous(zoo: tuple[ZooFeature, ...]) -> None:
    """Every label's text is known to the oracles."""
    known = meanings(zoo)
    assert all(known[rung.text] == rung.predicate for feature in zoo for rung in feature.rungs)


EXACT = {"rung": "exact", "text": "a"}


def changed(texts: list[str], **changes: object) -> list[str]:
    return [json.dumps(json.loads(texts[0]) | changes), *texts[1:]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"index": 1}, "same name or index"),
        ({"name": "years"}, "same name or index"),
        ({"rungs": []}, "begin with exact"),
        ({"rungs": [{"rung": "exact"}]}, "no text"),
        ({"rungs": [EXACT, {"rung": "precise", "text": "b"}]}, "unknown rung"),
        ({"rungs": [EXACT, {"rung": "shuffled", "of": "dragons"}]}, "another feature"),
        ({"rungs": [EXACT, {"rung": "sibling", "text": "a", "predicate": {"kind": "never"}}]}, "two meanings"),
        ({"templates": {"firing": ["{hole}"], "near": ["a"]}}, "words for"),
        ({"templates": {"firing": [], "near": []}}, "firing and near"),
        ({"density": 1.5}, "density 1.5 must lie"),
    ],
)
def test_wrong_zoo_files_are_refused(zoo_texts: list[str], changes: dict[str, object], message: str) -> None:
    """A mistake in data/zoo is told, with the feature's name."""
    with pytest.raises(ConfigError, match=message):
        read_zoo(changed(zoo_texts, **changes))


def test_a_file_may_hold_several_features(zoo: tuple[ZooFeature, ...], zoo_texts: list[str]) -> None:
    """One list of all features is the same zoo."""
    values = [json.loads(text) for text in zoo_texts]
    flat = [feature for value in values for feature in (value if isinstance(value, list) else [value])]
    assert read_zoo([json.dumps(flat)]) == zoo


def test_files_that_are_no_zoo() -> None:
    """Neither JSON nor a feature."""
    with pytest.raises(ConfigError, match="not JSON"):
        read_zoo(["{"])
    with pytest.raises(ConfigError, match="has no index"):
        read_zoo(['{"name": "a", "predicate": 1, "rungs": 1, "templates": 1}'])
