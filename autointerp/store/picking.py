"""The few rows of a large part that speak of one feature; ``parts`` reads whole parts, or by any condition."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from autointerp.core.types import FeatureId
from autointerp.store.parts import check_file, reading, with_empty_columns
from autointerp.store.places import on_filesystem
from autointerp.store.schemas import TABLES

Among = Mapping[str, Sequence[str]]
"""By column the values it may have."""


def read_of_feature(
    path: Path,
    table: str,
    feature: FeatureId,
    *,
    columns: Sequence[str] | None = None,
    among: Among = MappingProxyType({}),
) -> pa.Table:
    """Return the rows of a part that speak of a feature, in the order of the part, empty if there are none.

    What ``read_file`` returns of the same conditions, in a fraction of its time: text stays numbered, as it is
    stored, until the rows are picked, so that the words of other features' windows are never written out.

    Args:
        path: The part, of a table with the columns ``dictionary`` and ``feature``.
        table: The table it is a part of.
        feature: Whose rows are wanted.
        columns: Those wanted, whatever their order here; all where none are named.
        among: Of other columns of text, the values that are wanted.

    Raises:
        StoreError: The part is absent, damaged or lacks a column.
    """
    schema = TABLES[table]
    wanted = [name for name in schema.names if columns is None or name in columns]
    asked = {*wanted, "dictionary", "feature", *among}
    empty = schema.empty_table().select([name for name in schema.names if name in asked])
    with reading(path), _opened(path, schema) as file:
        names = [name for name in file.schema_arrow.names if name in asked]
        groups = _groups(file.metadata, feature.index)
        picked = [_picked(file, group, names, feature.index) for group in groups]
        mine = pa.concat_tables([empty, *(with_empty_columns(rows, empty.schema) for rows in picked)])
    for name, values in {**among, "dictionary": [feature.dictionary]}.items():
        mine = mine.filter(pc.is_in(mine[name], value_set=pa.array(values, pa.string())))
    return mine.select(wanted)


def _opened(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    """Return the file, its text to be left numbered."""
    filesystem, place = on_filesystem(path)
    about = pq.read_metadata(place, filesystem=filesystem)
    check_file(path, about.schema.to_arrow_schema(), schema)
    return pq.ParquetFile(
        place,
        metadata=about,
        read_dictionary=_texts(about),
        page_checksum_verification=True,
        # From another machine a few large reads are faster than many small ones.
        pre_buffer=filesystem is not None,
        filesystem=filesystem,
    )


def _picked(file: pq.ParquetFile, group: int, names: list[str], feature: int) -> pa.Table:
    """Return a feature's rows of one group: numbered text in lists can be read from one group at a time only."""
    # Threads would share out a millisecond's work and take the other requests' processor for it.
    found = file.read_row_group(group, columns=names, use_threads=False)
    return found.filter(pc.equal(found["feature"], feature))


def _texts(about: pq.FileMetaData) -> list[str]:
    """Return the columns that hold text, also in lists, by their names in the file."""
    columns = (about.schema.column(place) for place in range(about.num_columns))
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _groups(about: pq.FileMetaData, feature: int) -> list[int]:
    """Return the groups of rows whose minimum and maximum do not exclude the feature."""
    paths = [about.schema.column(place).path for place in range(about.num_columns)]
    column = paths.index("feature")
    found = ((group, about.row_group(group).column(column).statistics) for group in range(about.num_row_groups))
    return [group for group, span in found if _may_hold(span, feature)]


def _may_hold(span: Any, feature: int) -> bool:
    return span is None or not span.has_min_max or bool(span.min <= feature <= span.max)
