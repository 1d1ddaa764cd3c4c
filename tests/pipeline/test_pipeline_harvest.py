"""A harvest keeps samples of every feature; however it is divided, interrupted and merged, they are the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny_world import World

from autointerp.core.errors import ConfigError, StoreError
from autointerp.pipeline import sketching
from autointerp.pipeline.run import Run, run_directory
from autointerp.pipeline.samples import read_activations, read_samples
from autointerp.pipeline.sketching import FAN_IN, is_shard_done, live_parts, merge_up, part_name
from autointerp.pipeline.text import read_text
from autointerp.sampling.sketches import Limits
from autointerp.store.parts import part_paths, read_table, write_part

TIGHT = {"n_top": 5, "n_stratum": 4, "n_firings": 20, "pool_contexts": 40}
"""So little that most of what fires is not kept."""


def harvested(world: World, carry_out: Any, home: Path, **section: Any) -> Path:
    config = world.config(harvest=TIGHT | section)
    carry_out(config, home, last="evidence")
    return Run(config, home, run_directory(home, config)).harvest_folder


KEYS = ("dictionary", "feature", "kind", "number", "context", "position", "row")
"""Of the harvest's tables, those each has."""


@pytest.fixture(scope="module")
def whole(world: World, carry_out: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A harvest in one shard that kept every activation, too."""
    return harvested(world, carry_out, tmp_path_factory.mktemp("whole"), shard_contexts=1000, keep="all")


@pytest.mark.parametrize(("size", "at_once"), [(1, 2_000_000), (5, 700)])
def test_little_room_and_many_shards_give_the_same_samples(
    world: World, carry_out: Any, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, at_once: int
) -> None:
    """Merged shard by shard and a few features at a time, what is kept of every feature is what one shard keeps."""
    monkeypatch.setattr(sketching, "ROWS_AT_ONCE", at_once)
    folder = harvested(world, carry_out, tmp_path, shard_contexts=size, keep="all")
    for name in ("samples", "texts", "pool", "activations", "offsets"):
        mine, theirs = (read_table(f, name) for f in (folder, whole))
        order = ("dictionary", "feature") if name == "samples" else KEYS
        keys = [c for c in order if c in mine]
        one, other = (t.sort_values(keys, ignore_index=True) for t in (mine, theirs))
        assert len(one) == len(other)
        for column in one:
            for a, b in zip(one[column], other[column], strict=True):
                if isinstance(a, float) or (isinstance(a, np.ndarray) and a.dtype.kind == "f"):
                    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
                else:
                    assert np.array_equal(a, b), (name, column)


def test_a_harvest_leaves_no_sketches(whole: Path) -> None:
    """When a harvest is complete only what is read later stays: the shards' own parts are gone."""
    assert sorted(p.name for p in whole.iterdir() if p.is_dir() and any(p.iterdir())) == [
        "activations", "contexts", "offsets", "pool", "pool_activations", "samples", "texts",
    ]  # fmt: skip


def test_every_feature_has_one_row(whole: Path) -> None:
    """Fired or not, each feature has one row, in order."""
    for dictionary, rows in read_table(whole, "samples", columns=["dictionary", "feature"]).groupby("dictionary"):
        width = int(str(dictionary).partition("/")[2])
        assert rows["feature"].tolist() == list(range(width))


def test_samples_are_what_the_subject_does(whole: Path) -> None:
    """Each kept tile's activations are those of the full record; its peak too; counts are of all tiles and tokens."""
    contexts = read_table(whole, "contexts").set_index("context")
    n_checked = 0
    for dictionary, width in (("tiny/16", 16), ("tiny/32", 32)):
        samples = read_samples(whole, dictionary, range(width), seed=0)
        for index, sample in samples.items():
            rows = read_activations(whole, dictionary, index)
            assert (rows["feature"] == index).all()
            assert sample.peak == pytest.approx(rows["activation"].max() if len(rows) else 0.0)
            dense = np.zeros((int(contexts.index.max()) + 1, 128))
            dense[rows["context"], rows["position"]] = rows["activation"]
            firing = (dense.reshape(-1, 4, 32).max(axis=2) > 0).sum()
            assert sample.counts.sum() <= firing
            for row, tile in enumerate(sample.tile):
                pair = dense[tile // 4, tile % 4 // 2 * 64 :][:64]
                np.testing.assert_allclose(sample.values[row], pair, rtol=1e-6)
                ids = contexts.loc[tile // 4, "token_ids"][tile % 4 // 2 * 64 :][:64]
                assert list(sample.pair[row]) == list(ids)
                assert sample.doc[row] == contexts.loc[tile // 4, "doc"]
                n_checked += 1
    assert n_checked > 200


def test_the_pool_is_known_whole(whole: Path) -> None:
    """On the pool's contexts every feature's activations are those of the full record; it has the size asked for."""
    text = read_text(whole, seed=0)
    assert len(text.contexts) == TIGHT["pool_contexts"]
    everything = read_table(whole, "activations")
    mine = everything[everything["context"].isin(text.contexts["context"])]
    pooled = read_table(whole, "pool_activations")
    keys = ["dictionary", "feature", "context", "position"]
    one, other = (t.sort_values(keys, ignore_index=True) for t in (mine, pooled))
    pd.testing.assert_frame_equal(one, other)


def test_windows_drawn_from_little_are_evidence(world: World, carry_out: Any, tmp_path: Path) -> None:
    """With little kept, evidence is still drawn: silent windows are silent, and weights say how little was kept."""
    outcome = carry_out(world.config(harvest=TIGHT), tmp_path, last="evidence")
    rows = read_table(outcome.run, "evidence")
    peaks = rows["activations"].map(max)
    silent = rows["stratum"].str.startswith("silent")
    assert silent.any()
    assert (peaks[silent] == 0).all()
    assert (peaks[rows["stratum"].str.match("top|firing")] > 0).all()
    assert rows.loc[rows["stratum"].str.startswith("firing"), "weight"].max() > 1.5


def test_more_windows_than_are_kept_are_refused(world: World) -> None:
    """A quota above what a harvest keeps of a feature is an error before anything is read."""
    with pytest.raises(ConfigError, match=r"evidence.shown_top = 9, but harvest.n_top = 5 are kept"):
        world.config(harvest=TIGHT, evidence={"shown_top": 9})


def test_activations_that_were_not_kept(world: World, carry_out: Any, tmp_path: Path) -> None:
    """Without keep = "all" there is no record of every activation, and asking for it says so."""
    folder = harvested(world, carry_out, tmp_path)
    with pytest.raises(StoreError, match="no such part"):
        read_activations(folder, "tiny/16", 3)


def test_a_merge_cut_short_changes_nothing(tmp_path: Path) -> None:
    """Sources that a crash left beside their merged part are not counted twice; shards stay done after a merge."""
    from autointerp.pipeline.sketching import merged_texts, read_merged, write_sketches

    for shard in range(FAN_IN):
        sketches, texts = sketches_of_shard(shard)
        write_sketches(tmp_path, part_name(0, shard), sketches, texts)
    kept = {p: p.read_bytes() for t in ("sketch_tiles", "sketch_texts") for p in part_paths(tmp_path, t)[:3]}
    before = read_merged(tmp_path, live_parts(tmp_path), "d/5", (0, 5), Limits(2, 2, 3))
    merge_up(tmp_path, FAN_IN - 1, {"d/5": 5}, Limits(2, 2, 3))
    for path, content in kept.items():
        path.write_bytes(content)
    assert live_parts(tmp_path) == [part_name(1, 0)]
    assert all(is_shard_done(tmp_path, shard) for shard in range(FAN_IN))
    assert not is_shard_done(tmp_path, FAN_IN)
    after = read_merged(tmp_path, live_parts(tmp_path), "d/5", (0, 5), Limits(2, 2, 3))
    assert after.tiles.tile.tolist() == before.tiles.tile.tolist()
    assert after.counts.n_tokens.tolist() == before.counts.n_tokens.tolist()
    assert merged_texts(tmp_path, live_parts(tmp_path)).to_pylist() == [{"kind": "kept", "number": 0, "count": 8}]


def sketches_of_shard(shard: int) -> Any:
    """Return one random sketch of one dictionary, and the counts of one token."""
    import pyarrow as pa

    from autointerp.sampling.sketches import Entries, Stretch, sketch_of

    draws = np.random.default_rng(shard)
    places = np.unique(draws.integers(0, 5 * 3 * 128, 300))
    values = np.exp(draws.normal(0, 1, len(places))).astype(np.float32)
    numbers = np.arange(3) + 3 * shard
    entries = Entries(places // 384, numbers[places // 128 % 3], places % 128, values)
    text = Stretch(
        numbers, draws.integers(0, 3, 3), draws.integers(0, 2**63, 3).astype(np.uint64),
        draws.integers(0, 50, (3, 128)), np.ones((3, 4), np.bool_),
    )  # fmt: skip
    sketch = sketch_of(entries, text, base=0, limits=Limits(2, 2, 3))
    return [("d/5", sketch)], pa.table({"kind": ["kept"], "number": [0], "count": [1]})


def test_keys_made_again_are_those_that_were_drawn(tmp_path: Path) -> None:
    """A feature's row holds no keys; what is read back has the keys and peaks that the sketch had."""
    from autointerp.core.draws import draw_key
    from autointerp.pipeline.samples import ContextPlaces, sample_rows, samples_of
    from autointerp.pipeline.text import context_key
    from autointerp.sampling.sketches import Entries, Stretch, sketch_of

    draws, n = np.random.default_rng(1), 6
    rows = [
        {
            "doc": f"d{i}",
            "side": "shown",
            "start": 128 * i,
            "context": i,
            "token_ids": draws.integers(0, 9, 128).tolist(),
        }
        for i, ids in enumerate(draws.integers(0, 9, (n, 128)))
    ]
    write_part(tmp_path, "contexts", "shard-0000000", rows)
    places = np.unique(draws.integers(0, 3 * n * 128, 500))
    values = np.exp(draws.normal(0, 1, len(places))).astype(np.float32)
    text = Stretch(
        np.arange(n), np.zeros(n, np.int64), np.array([context_key(7, f"d{i}", 128 * i) for i in range(n)], np.uint64),
        np.array([row["token_ids"] for row in rows]), np.ones((n, 4), np.bool_),
    )  # fmt: skip
    entries = Entries(places // (n * 128), places // 128 % n, places % 128, values)
    sketch = sketch_of(entries, text, base=draw_key(7, "d/3"), limits=Limits(4, 4, 9))
    samples = list(samples_of(sample_rows("d/3", sketch, (0, 3), ContextPlaces(tmp_path)), seed=7))
    assert np.concatenate([s.key for s in samples]).tolist() == sketch.tiles.key.tolist()
    assert np.concatenate([s.tile_peak for s in samples]).tolist() == sketch.tiles.peak.tolist()


def test_two_runs_do_not_write_one_harvest(world: World, carry_out: Any, tmp_path: Path) -> None:
    """While a run harvests, another one over the same text and dictionaries is told who does, and writes nothing."""
    from autointerp.pipeline.harvesting import begin_harvest, harvest_chunks

    first, second = (Run(c, tmp_path, run_directory(tmp_path, c)) for c in (world.config(), world.config(name="other")))
    assert first.harvest_folder == second.harvest_folder
    begin_harvest(first)
    assert harvest_chunks(first)
    with pytest.raises(StoreError, match="is writing here"):
        begin_harvest(second)
    first.close()
    begin_harvest(second)
    assert harvest_chunks(second)
    second.close()
    carry_out(world.config(), tmp_path, last="harvest")
    begin_harvest(second)
    assert harvest_chunks(second) == []


class Letters:
    """A subject whose tokens are their numbers."""

    def display_token(self, token: int) -> str:
        return str(token)


def test_token_shares_from_a_sample_of_firings() -> None:
    """From a twentieth of the firings shares and means stay possible, and a token seen once is no sure sign.

    Token 0 fires always, tokens 1 to 400 are seen 20 times each and fire on 5%.
    """
    from autointerp.core.types import FeatureId
    from autointerp.pipeline.samples import FeatureSample
    from autointerp.pipeline.text import Text, Totals
    from autointerp.pipeline.windows import Known, token_stats

    draws, n_kept = np.random.default_rng(0), 400
    always, rare = 8000, 400
    tokens = np.concatenate([np.zeros(always, np.int64), draws.integers(1, 401, rare)])
    kept = draws.choice(tokens, n_kept, replace=False)
    seen = {0: always} | dict.fromkeys(range(1, 401), 20)
    none = np.zeros(0, np.int64)
    sample = FeatureSample(
        feature=0, peak=1.0, counts=np.zeros((3, 128), np.int64), side=none, tile=none, key=none.astype(np.uint64),
        tile_peak=none.astype(float), doc=(), start=none, pair=(), values=np.zeros((0, 64), np.float32),
        n_shown_firings=always + rare, firing_token=kept, firing_value=draws.uniform(0.5, 1.0, n_kept),
    )  # fmt: skip
    text = Text(pd.DataFrame(), Totals(160_000, 100_000, np.zeros(3, np.int64), seen), 0)
    known = Known(FeatureId("d/1", 0), sample, np.zeros((0, 32), np.float32), text, 16)
    stats = {stat.token: stat for stat in token_stats(Letters(), known)}  # type: ignore[arg-type]
    assert all(0 < s.fired <= s.seen or s.fired == 0 for s in stats.values())
    assert all(s.mean_activation <= 1.0 for s in stats.values())
    assert stats["0"].fired == pytest.approx(always, rel=0.02)
    assert max(s.fired / s.seen for token, s in stats.items() if token != "0") < 0.7


def test_a_damaged_row_is_no_evidence(tmp_path: Path, whole: Path) -> None:
    """A bit that turned in a part that is read by rows is noticed, as in any other."""
    import shutil

    from autointerp.store.parts import part_path
    from autointerp.store.rows import read_rows

    shutil.copytree(whole / "samples", tmp_path / "samples")
    path = part_path(tmp_path, "samples", "tiny/32 0")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        read_rows(tmp_path, "samples", "tiny/32 0", range(32))
