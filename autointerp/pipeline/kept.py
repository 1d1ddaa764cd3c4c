"""Activations that are kept, of the pool's contexts or of all: a shard's as they come, then sorted by feature."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autointerp.pipeline import sketching
from autointerp.pipeline.samples import bucket_name
from autointerp.store.growing import write_together
from autointerp.store.parts import has_part, part_paths, read_arrow
from autointerp.subject.harvest import SparseActivations


def activation_rows(activations: Sequence[SparseActivations]) -> pa.Table:
    """Return activations in the order in which they are stored, without a copy."""
    return pa.concat_tables(
        pa.table(
            {
                "dictionary": pa.DictionaryArray.from_arrays(np.zeros(len(a.feature), np.int8), [a.dictionary]),
                "feature": a.feature,
                "context": a.context,
                "position": a.position,
                "activation": a.activation,
            }
        )
        for a in sorted(activations, key=lambda a: a.dictionary)
    ).unify_dictionaries()


def write_sorted(folder: Path, table: str, source: str, widths: Mapping[str, int]) -> None:
    """Write the shards' activations sorted by feature, a part for each 65,536 features of a dictionary."""
    names = [path.stem for path in part_paths(folder, source)]
    if not names:
        return
    for dictionary, width in widths.items():
        for bucket in sketching.buckets(width):
            name = bucket_name(dictionary, bucket[0])
            if has_part(folder, table, name):
                continue
            some = sketching.ranges(folder, names, dictionary, bucket, tables=[source])
            rows = (_sorted_rows(folder, source, dictionary, features) for features in some)
            if table == "activations":
                write_together(folder, name, ["offsets", table], _with_offsets(dictionary, rows, bucket))
            else:
                write_together(folder, name, [table], ({table: some} for _, some in rows))


def _sorted_rows(
    folder: Path, source: str, dictionary: str, features: tuple[int, int]
) -> tuple[tuple[int, int], pa.Table]:
    """Return these features and their activations, in order."""
    rows = read_arrow(folder, source, filters=sketching.of_bucket(dictionary, features)).combine_chunks()
    order = np.lexsort([rows[name].to_numpy() for name in ("position", "context", "feature")])
    return features, pc.take(rows, pa.array(order))


def _with_offsets(
    dictionary: str, pieces: Iterable[tuple[tuple[int, int], pa.Table]], bucket: tuple[int, int]
) -> Iterator[dict[str, pa.Table]]:
    """Yield the activations of some features at a time, and where each feature's rows begin in the whole part."""
    n = 0
    for features, rows in pieces:
        numbers = np.arange(*features)
        begins = n + np.searchsorted(rows["feature"].to_numpy(), numbers)
        n += len(rows)
        if features[1] == bucket[1]:  # a row more than features: where the last one's rows end
            numbers, begins = np.append(numbers, bucket[1]), np.append(begins, n)
        name = pa.DictionaryArray.from_arrays(np.zeros(len(numbers), np.int8), [dictionary])
        offsets = pa.table({"dictionary": name, "feature": numbers.astype(np.int32), "row": begins})
        yield {"offsets": offsets, "activations": rows}
