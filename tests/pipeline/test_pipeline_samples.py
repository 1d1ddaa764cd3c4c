"""What was kept of features is the same however many are asked for at once and wherever they stand."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autointerp.core.errors import StoreError
from autointerp.pipeline import samples, sketching
from autointerp.pipeline.samples import FeatureSample, bucket_name, read_samples, samples_of
from autointerp.sampling.sketches import TILES_A_CONTEXT
from autointerp.store import layout
from autointerp.store.parts import part_path, write_part
from autointerp.store.schemas import TABLES
from autointerp.subject.contexts import TILE_TOKENS

NAME, WIDTH, BUCKET, GROUP = "d/300", 300, 200, 64


def row(feature: int) -> dict[str, Any]:
    """Return what is kept of a feature: of one in three nothing; in every second group texts that no other quotes."""
    draws = random.Random(feature)
    n = 0 if feature % 3 == 0 else draws.randrange(1, 9)
    n_texts = 2**31 if feature // GROUP % 2 else 30
    tiles = sorted(draws.sample(range(1000), n))
    return {
        "dictionary": NAME,
        "feature": feature,
        "peak": float(n),
        "count_place": [3] * bool(n),
        "count_tokens": [n] * bool(n),
        "count_tiles": [n] * bool(n),
        "side": [draws.randrange(3) for _ in tiles],
        "tile": tiles,
        "doc": [f"document {draws.randrange(n_texts)}" for _ in tiles],
        "start": [1024 + tile % TILES_A_CONTEXT * TILE_TOKENS for tile in tiles],
        "pair": [np.array([draws.randrange(n_texts)] * 64, "<i4").tobytes() for _ in tiles],
        "n_entries": [1] * n,
        "position": [draws.randrange(64) for _ in tiles],
        "value": [draws.randrange(1, 9) / 4 for _ in tiles],
        "firing_token": [draws.randrange(50)] * bool(n),
        "firing_value": [0.25] * bool(n),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two buckets of five groups of rows in all, some with more texts than a file lists once."""
    made = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(sketching, "BUCKET", BUCKET)
        changed.setitem(layout.ROW_GROUP, "samples", GROUP)
        changed.setattr(layout, "LARGEST_DICTIONARY", 2**13)
        for first, past in ((0, BUCKET), (BUCKET, WIDTH)):
            write_part(made, "samples", bucket_name(NAME, first), [row(f) for f in range(first, past)])
        yield made


def assert_same(one: FeatureSample, other: FeatureSample) -> None:
    for name in FeatureSample.__slots__:
        a, b = getattr(one, name), getattr(other, name)
        assert np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b, (one.feature, name)


def test_a_file_of_several_groups_was_made(folder: Path) -> None:
    """What the next test rests on: groups with and without a list of their texts."""
    parts = [pq.read_metadata(part_path(folder, "samples", bucket_name(NAME, first))) for first in (0, BUCKET)]
    assert [part.num_row_groups for part in parts] == [4, 2]


@given(
    st.sets(st.integers(0, WIDTH - 1), max_size=40) | st.just(set(range(WIDTH))),
    st.sampled_from([1, 100, 2048]),
    st.sampled_from([1, 3]),
)
def test_features_are_read_as_each_alone(folder: Path, features: set[int], rows: int, groups: int) -> None:
    """Read together, in pieces of any size and by several readers, each is what its own row says."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(samples, "ROWS_AT_ONCE", rows)
        changed.setattr(samples, "GROUPS_AT_ONCE", groups)
        read = read_samples(folder, NAME, sorted(features), seed=3)
    assert list(read) == sorted(features)
    for feature in features:
        (alone,) = samples_of(pa.Table.from_pylist([row(feature)], TABLES["samples"]), seed=3)
        assert_same(read[feature], alone)


def test_what_is_not_there_is_an_error(folder: Path) -> None:
    """A feature past the last one, in a bucket that is there and in one that is not."""
    for feature in (WIDTH, 2 * BUCKET):
        with pytest.raises(StoreError):
            read_samples(folder, NAME, [0, feature], seed=3)
