"""How a table's files are laid out: order and groups of rows, what is encoded how."""

from typing import Any

import pyarrow as pa

SKETCHES = "sketch_"
"""How tables begin that are read once and removed."""
# One feature's activations are found by skipping row groups whose minimum and maximum exclude it;
# in larger groups a filtered read decodes mostly other features.
ROW_GROUP = {"activations": 65_536, "pool_activations": 65_536, "evidence": 4_096, "samples": 8_192}
# Sketches are merged some features at a time.
ROW_GROUP |= dict.fromkeys(
    ("sketch_counts", "sketch_tiles", "sketch_firings", "sketch_pool", "sketch_activations"), 65_536
)
# One row of samples is read by decoding its group: 20 to 100 KB a feature where much text was read, hardly anything
# where little was. Groups are halved until they hold at most so many bytes, down to so many rows.
GROUP_BYTES = {"samples": 12 * 2**20}
SMALLEST_GROUP = 64
# Read by the places of rows: minima and maxima of each column would be most of what opening a file reads.
BY_PLACE = ("samples",)
BY_FEATURE = ("dictionary", "feature", "context", "position")
ORDER = {
    "activations": BY_FEATURE,
    "pool_activations": BY_FEATURE,
    "sketch_activations": BY_FEATURE,
    "sketch_pool": BY_FEATURE,
}
# The same text fires many features: a group of rows has each pair of tiles once, up to so many bytes.
LARGEST_DICTIONARY = 2**22
# A dictionary of distinct numbers saves nothing and takes twice the time and a third more room.
DICTIONARY_ENCODED = {table: list(BY_FEATURE) for table in ORDER} | {
    "sketch_counts": ["dictionary", "feature", "side", "bin"],
    "sketch_tiles": ["dictionary", "feature", "side"],
    "sketch_firings": ["dictionary", "feature", "token"],
    "samples": [
        "dictionary",
        *(
            f"{name}.list.element"
            for name in ("count_place", "side", "doc", "pair", "n_entries", "position", "firing_token")
        ),
    ],
}
# Texts come back as they stand in the file, each once a group: writing them out would be most of what reading takes.
READ_CODED = {"samples": ["dictionary", "doc.list.element", "pair.list.element"]}
# Bytes of the same place in a number stand together: a sixth less room for activations, and read faster.
SPLIT_BYTES = {table: ["activation"] for table in ORDER} | {
    "samples": ["value.list.element", "firing_value.list.element"]
}


def is_passing(table: str) -> bool:
    """Return whether parts of *table* are soon read and removed: packing them takes longer than the disk does."""
    return table.startswith(SKETCHES)


def layout(table: str, content: pa.Table) -> dict[str, Any]:
    """Return what ``pyarrow.parquet.write_table`` is to be told of a part of *table* that holds *content*."""
    return {
        "compression": "none" if is_passing(table) else "zstd",
        "row_group_size": _group_size(table, content),
        "use_dictionary": DICTIONARY_ENCODED.get(table, True),
        "dictionary_pagesize_limit": LARGEST_DICTIONARY,
        "column_encoding": dict.fromkeys(SPLIT_BYTES.get(table, ()), "BYTE_STREAM_SPLIT") or None,
        "write_statistics": table not in BY_PLACE,
        "write_page_checksum": True,
    }


def _group_size(table: str, content: pa.Table) -> int | None:
    """Return how many rows of a part are decoded together; None leaves it to the format."""
    size, most = ROW_GROUP.get(table), GROUP_BYTES.get(table)
    if size is None or most is None:
        return size
    while size > SMALLEST_GROUP and content.nbytes / max(len(content), 1) * size > most:
        size //= 2
    return size
