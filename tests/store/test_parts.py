"""A part is there whole or not at all, and what is read is what was written."""

import errno
import math
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autointerp.core.errors import StoreError
from autointerp.store.files import write_whole
from autointerp.store.layout import LARGEST_DICTIONARY
from autointerp.store.parts import (
    has_part,
    part_path,
    part_paths,
    read_arrow,
    read_part,
    read_table,
    write_part,
)
from autointerp.store.rows import group_past, read_rows
from autointerp.store.schemas import TABLES

VALUES: dict[pa.DataType, Any] = {
    pa.string(): "x",
    pa.float64(): 0.5,
    pa.float32(): 0.5,
    pa.int64(): 3,
    pa.int32(): 3,
    pa.int16(): 3,
    pa.bool_(): True,
    pa.int8(): 3,
    pa.uint64(): 3,
    pa.binary(): b"\x00\x01",
}
LISTS: dict[pa.DataType, Any] = {
    pa.int64(): [1, 2],
    pa.int32(): [1, 2],
    pa.string(): ["a", " b"],
    pa.float64(): [0.0, 1.5],
    pa.bool_(): [True, False],
    pa.binary(): [b"x", b""],
    pa.int8(): [0, 2],
    pa.uint8(): [0, 255],
    pa.int16(): [1, 300],
    pa.uint64(): [0, 2**40],
    pa.float32(): [0.0, 1.5],
}


def row_of(table: str, **changed: Any) -> dict[str, Any]:
    """Return a row that fits *table*, some columns changed."""
    return {field.name: value_of(field.type) for field in TABLES[table]} | changed


def value_of(kind: pa.DataType) -> Any:
    return LISTS[kind.value_type] if pa.types.is_list(kind) else VALUES[kind]


@pytest.fixture
def score_rows() -> list[dict[str, Any]]:
    """Twenty ``scores`` rows, every other one without a value."""
    return [row_of("scores", feature=i, value=i / 20 if i % 2 else None) for i in range(20)]


ROWS = {kind: [row_of(kind), row_of(kind)] for kind in TABLES}
fresh = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("table", sorted(TABLES))
def test_round_trip_of_every_table(tmp_path: Path, table: str) -> None:
    """Rows, a frame and an Arrow table write the same content, with the declared schema."""
    write_part(tmp_path, table, "rows", ROWS[table])
    assert read_arrow(tmp_path, table).to_pylist() == ROWS[table]
    write_part(tmp_path, table, "frame", read_part(tmp_path, table, "rows"))
    write_part(tmp_path, table, "arrow", pa.Table.from_pylist(ROWS[table]))
    assert read_arrow(tmp_path, table).to_pylist() == ROWS[table] * 3
    assert read_arrow(tmp_path, table).schema.equals(TABLES[table])


def test_an_absent_table_is_an_empty_typed_frame(tmp_path: Path) -> None:
    """No folder reads as no rows, with every column of its type."""
    frame = read_table(tmp_path, "scores")
    assert frame.empty
    assert list(frame.columns) == TABLES["scores"].names
    assert frame["value"].dtype == np.float64
    assert read_table(tmp_path, "scores", columns=["value"]).columns.tolist() == ["value"]


def test_no_rows_are_a_part(tmp_path: Path) -> None:
    """A chunk that yielded nothing is done, not missing."""
    write_part(tmp_path, "failures", "a", [])
    assert has_part(tmp_path, "failures", "a")
    assert read_table(tmp_path, "failures").empty


@given(chunks=st.sets(st.text(min_size=1, max_size=8), min_size=2, max_size=4))
def test_chunks_never_share_a_file(chunks: set[str]) -> None:
    """Different keys have different files, inside the table's folder and visible to ``part_paths``."""
    paths = {part_path(Path("run"), "scores", chunk) for chunk in chunks}
    assert len({str(path).lower() for path in paths} if all(c == c.lower() for c in chunks) else paths) == len(chunks)
    assert all(path.parent == Path("run/scores") and not path.name.startswith(".") for path in paths)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", ["density", "histogram_start"])
def test_nan_is_refused(tmp_path: Path, bad: float, column: str) -> None:
    """No NaN or infinity reaches the disk, and the message names the column."""
    with pytest.raises(StoreError, match=column if column == "density" else "does not fit"):
        write_part(tmp_path, "features", "a", [row_of("features", **{column: bad})])
    assert not has_part(tmp_path, "features", "a")


def test_nan_inside_a_list_or_frame_is_refused(tmp_path: Path) -> None:
    """Also inside ``activations`` and in a frame's required column."""
    row = row_of("evidence", activations=[0.0, math.nan])
    with pytest.raises(StoreError, match="activations"):
        write_part(tmp_path, "evidence", "a", [row])
    with pytest.raises(StoreError, match="activations"):
        write_part(tmp_path, "evidence", "a", [row_of("evidence", activations=[0.0, None])])
    with pytest.raises(StoreError, match="weight"):
        write_part(tmp_path, "evidence", "a", pd.DataFrame([row_of("evidence", weight=math.nan)]))


def test_infinity_made_by_the_cast_is_refused(tmp_path: Path) -> None:
    """1e300 does not fit a 32-bit activation; it is not stored as infinity."""
    with pytest.raises(StoreError, match="activation"):
        write_part(tmp_path, "activations", "a", [row_of("activations", activation=1e300)])


def test_empty_cells_only_where_declared(tmp_path: Path) -> None:
    """A score may have no value; it must have a judge."""
    write_part(tmp_path, "scores", "a", [row_of("scores", value=None, status="undefined")])
    assert read_arrow(tmp_path, "scores")["value"].to_pylist() == [None]
    for rows in ([row_of("scores", judge=None)], pa.Table.from_pylist([row_of("scores", judge=None), *ROWS["scores"]])):
        with pytest.raises(StoreError, match="judge"):
            write_part(tmp_path, "scores", "b", rows)


def test_columns_must_match(tmp_path: Path) -> None:
    """A misspelt or forgotten column is an error when written, not an empty column later."""
    row = row_of("failures")
    with pytest.raises(StoreError, match="details"):
        write_part(tmp_path, "failures", "a", [row, row | {"details": "x"}])
    del row["detail"]
    for rows in ([row], pd.DataFrame([row]), pa.Table.from_pylist([row])):
        with pytest.raises(StoreError, match="detail"):
            write_part(tmp_path, "failures", "a", rows)


def test_missing_column_names_file_column_and_remedy(tmp_path: Path) -> None:
    """A part of another version says which file, which column, what to do."""
    path = write_part(tmp_path, "scores", "a", ROWS["scores"])
    pq.write_table(pq.read_table(path).drop_columns(["judge"]), path)
    with pytest.raises(StoreError, match=r"scores/a\.parquet: no column judge.*only this part is made anew"):
        read_table(tmp_path, "scores")
    pq.write_table(pq.read_table(path).append_column("judge", pa.array([1, 2])), path)
    with pytest.raises(StoreError, match="column judge holds int64, not string"):
        read_table(tmp_path, "scores")


@fresh
@given(fraction=st.floats(0, 1, exclude_max=True))
def test_a_truncated_part_is_never_read(tmp_path: Path, score_rows: list[dict[str, Any]], fraction: float) -> None:
    """Cut anywhere, the file is an error that names it and the remedy."""
    path = write_part(tmp_path, "scores", "a", score_rows)
    os.truncate(path, int(path.stat().st_size * fraction))
    with pytest.raises(StoreError, match=r"a\.parquet: damaged .*delete it and run the same command again"):
        read_table(tmp_path, "scores")


@fresh
@given(data=st.data())
def test_flipped_bytes_in_a_page_are_noticed(
    tmp_path: Path, score_rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    """A damaged data page is an error or reads as written; never other numbers (pages carry checksums)."""
    path = write_part(tmp_path, "scores", "a", score_rows)
    meta = pq.read_metadata(path).row_group(0)
    column = meta.column(data.draw(st.integers(0, meta.num_columns - 1)))
    content = bytearray(path.read_bytes())
    first = column.dictionary_page_offset or column.data_page_offset
    place = data.draw(st.integers(first, first + column.total_compressed_size - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        assert read_arrow(tmp_path, "scores").to_pylist() == score_rows
    except StoreError as error:
        assert "a.parquet: damaged" in str(error)  # noqa: PT017


def test_a_column_that_came_later_is_empty_in_older_parts(tmp_path: Path) -> None:
    """Columns that may be empty can be added: what was written before reads with nothing in them."""
    write_part(tmp_path, "calls", "a", ROWS["calls"])
    path = part_path(tmp_path, "calls", "a")
    pq.write_table(pq.read_table(path).drop_columns(["stage", "feature"]), path)
    frame = read_table(tmp_path, "calls")
    assert list(frame.columns) == TABLES["calls"].names
    assert frame["stage"].isna().all()
    assert frame["feature"].isna().all()
    assert (frame["model"] == "x").all()


def test_columns_of_names_are_read_as_categories(tmp_path: Path, score_rows: list[dict[str, Any]]) -> None:
    """The same rows over several parts, one of them written before a column came; of no parts, too, and damage told."""
    named = [row | {"judge": f"j{place % 3}"} for place, row in enumerate(score_rows)]
    categories = ["judge", "status", "reason"]
    assert read_table(tmp_path, "scores", categories=categories)["judge"].dtype == "category"
    for part in range(2):
        write_part(tmp_path, "scores", str(part), named[part::2])
    plain, found = read_table(tmp_path, "scores"), read_table(tmp_path, "scores", categories=categories)
    assert {name for name in found if found[name].dtype == "category"} == set(categories)
    pd.testing.assert_frame_equal(found.astype(dict.fromkeys(categories, "str")), plain)
    write_part(tmp_path, "calls", "a", ROWS["calls"])
    path = part_path(tmp_path, "calls", "a")
    pq.write_table(pq.read_table(path).drop_columns(["stage"]), path)
    assert read_table(tmp_path, "calls", categories=["stage", "model"])["stage"].isna().all()
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(StoreError, match="damaged"):
        read_table(tmp_path, "calls", categories=["model"])


def test_leftovers_and_absent_parts(tmp_path: Path) -> None:
    """What an interrupted write left behind is not read; a part that was never written is an error."""
    path = write_part(tmp_path, "scores", "a", ROWS["scores"])
    (path.parent / ".b.parquet.1.0.tmp").write_bytes(b"PAR1")
    (path.parent / ".b.parquet").write_bytes(b"PAR1")
    assert part_paths(tmp_path, "scores") == [path]
    assert not has_part(tmp_path, "scores", "b")
    with pytest.raises(StoreError, match="no such part"):
        read_part(tmp_path, "scores", "b")


def test_a_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    """Disk full in the middle of a write: no leftover, the old part stands, the message says what to do."""
    path = write_whole(tmp_path / "a", lambda file: file.write(b"old") and None)

    def fail(file: IO[bytes]) -> None:
        file.write(b"ne")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match=r"No space left on device.*MiB free.*run the same command again"):
        write_whole(path, fail)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    """The disk's refusal to make the folder is told like any other."""
    (tmp_path / "scores").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        write_part(tmp_path, "scores", "a", ROWS["scores"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small tmpfs here; test_a_failing_writer covers the same path")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    """On a real full disk the parts written so far stay readable and nothing else is left."""
    text = np.random.default_rng(0).bytes(20_000).hex()

    def fill() -> None:
        for i in range(40):
            write_part(small_disk, "failures", str(i), [row_of("failures", detail=text[i:])])

    with pytest.raises(StoreError, match="No space left"):
        fill()
    written = len(part_paths(small_disk, "failures"))
    assert 0 < written < 40
    assert len(read_table(small_disk, "failures")) == written
    assert len(list((small_disk / "failures").iterdir())) == written


def test_two_writers_of_one_part(tmp_path: Path) -> None:
    """Writers of the same part do not mix: whoever is last, the file is one of the two."""
    sets = [[row_of("failures", detail=name) for _ in range(500)] for name in "ab"]
    threads = [
        threading.Thread(target=lambda rows=rows: [write_part(tmp_path, "failures", "x", rows) for _ in range(10)])
        for rows in sets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_arrow(tmp_path, "failures").to_pylist() in sets
    assert [path.name for path in (tmp_path / "failures").iterdir()] == ["x.parquet"]


def test_activations_are_sorted_so_that_filters_skip(tmp_path: Path) -> None:
    """One feature's activations lie together, and a filtered read gives just them."""
    n = 200_000
    feature = np.random.default_rng(0).integers(0, 100, n).astype(np.int32)
    columns = {"dictionary": ["d"] * n, "feature": feature, "context": np.arange(n), "position": np.zeros(n, int)}
    path = write_part(tmp_path, "activations", "a", pd.DataFrame({**columns, "activation": feature / 2}))
    got = read_table(tmp_path, "activations", columns=["feature", "activation"], filters=[("feature", "==", 7)])
    assert len(got) == (feature == 7).sum()
    assert set(got["activation"]) == {3.5}
    bounds = [pq.read_metadata(path).row_group(i).column(1).statistics for i in range(4)]
    assert sum(b.min <= 7 <= b.max for b in bounds) == 1


def test_text_that_many_features_share_is_kept_once(tmp_path: Path) -> None:
    """Rows of samples that quote the same four texts take the room of four, however many quote them."""
    texts = [bytes([n]) * 256 for n in range(4)]
    rows = [row_of("samples", feature=i, pair=[texts[(i + n) % 4] for n in range(40)]) for i in range(500)]
    path = write_part(tmp_path, "samples", "a", rows)
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    (pair,) = [column for column in columns if column.path_in_schema.startswith("pair.")]
    n_indices = 500 * 40
    assert pair.total_uncompressed_size < 4 * 300 + n_indices / 2
    assert read_rows(tmp_path, "samples", "a", [7])["pair"].to_pylist() == [rows[7]["pair"]]


def test_texts_that_nobody_shares_are_read_as_written(tmp_path: Path) -> None:
    """Groups whose texts are too many to be listed once, and one beside them whose are few, come back as they were."""
    texts = [n.to_bytes(256, "little") for n in range(64 * 450)]
    assert 256 * len(texts) > LARGEST_DICTIONARY
    shared = [texts[i : i + 450] for i in range(64)]
    own = [texts[450 * i : 450 * i + 450] for i in range(64)]
    rows = [
        row_of("samples", feature=64 * group + i, pair=pairs[i] + [b""] * group)
        for group, pairs in enumerate((own, shared, own))
        for i in range(64)
    ]
    path = write_part(tmp_path, "samples", "a", rows)
    assert pq.read_metadata(path).row_group(0).num_rows == 64
    assert [group_past(tmp_path, "samples", "a", row, n=n) for row, n in ((0, 1), (63, 2), (64, 2), (70, 9))] == [
        64, 128, 192, 192,
    ]  # fmt: skip
    for wanted in (range(192), [3, 70, 190], [100]):
        read = read_rows(tmp_path, "samples", "a", wanted)
        assert read["pair"].to_pylist() == [rows[row]["pair"] for row in wanted]


def test_lists_of_older_files_are_read(tmp_path: Path) -> None:
    """A file that does not promise full lists, as they were written once, gives the same rows."""
    rows = [row_of("samples", feature=i, tile=[i] * (i % 4)) for i in range(9)]
    path = write_part(tmp_path, "samples", "a", rows)
    new = pq.read_table(path)
    kinds = [pa.list_(f.type.value_type) if pa.types.is_list(f.type) else f.type for f in new.schema]
    older = pa.schema([pa.field(f.name, kind, nullable=False) for f, kind in zip(new.schema, kinds, strict=True)])
    assert older.field("tile").type != new.schema.field("tile").type
    pq.write_table(new.cast(older), path)
    assert read_rows(tmp_path, "samples", "a", range(9))["tile"].to_pylist() == [row["tile"] for row in rows]
    assert read_arrow(tmp_path, "samples").to_pylist() == rows
    pq.write_table(new.drop_columns("tile").append_column("tile", pa.array([["x"]] * 9)), path)
    with pytest.raises(StoreError, match="column tile holds list<"):
        read_rows(tmp_path, "samples", "a", [0])


@pytest.mark.parametrize(("n_tiles", "n_rows", "n"), [(1, 8192, 8300), (200, 128, 520), (5000, 64, 520)])
def test_rows_with_much_in_them_stand_in_small_groups(tmp_path: Path, n_tiles: int, n_rows: int, n: int) -> None:
    """The more was kept of a feature the fewer rows are decoded to read one; each is read as written."""
    texts = [bytes([n]) * 256 for n in range(4)]
    kept: dict[str, Any] = {"pair": [texts[n % 4] for n in range(n_tiles)], "value": [0.5] * n_tiles * 50}
    table = pa.Table.from_pylist([row_of("samples", feature=i, **kept) for i in range(n)], TABLES["samples"])
    path = write_part(tmp_path, "samples", "a", table)
    assert pq.read_metadata(path).row_group(0).num_rows == n_rows
    assert read_rows(tmp_path, "samples", "a", range(n - 10, n - 5))["feature"].to_pylist() == list(
        range(n - 10, n - 5)
    )


def test_a_part_written_again_is_read_again(tmp_path: Path) -> None:
    """Rows of a part that was replaced are the new ones, whatever was read before."""
    for n in (3, 9000, 40):
        write_part(tmp_path, "samples", "a", [row_of("samples", feature=i + n) for i in range(n)])
        assert read_rows(tmp_path, "samples", "a", [n - 1])["feature"].to_pylist() == [2 * n - 1]


N_ROWS = 17_000
runs = st.tuples(st.integers(0, N_ROWS - 1), st.integers(0, N_ROWS - 1)).map(lambda e: range(min(e), max(e) + 1))


@fresh
@given(runs | st.lists(st.integers(0, N_ROWS - 1), unique=True, max_size=8).map(sorted))
def test_rows_are_read_by_their_number(tmp_path_factory: pytest.TempPathFactory, wanted: Sequence[int]) -> None:
    """Rows of a part are what they are in the whole part, whichever row groups they lie in."""
    folder = tmp_path_factory.getbasetemp() / "rows"
    if not has_part(folder, "samples", "a"):
        write_part(folder, "samples", "a", [row_of("samples", feature=i, peak=i / 2) for i in range(N_ROWS)])
    assert read_rows(folder, "samples", "a", wanted)["feature"].to_pylist() == list(wanted)


@pytest.mark.parametrize("wanted", [[30], [3, 29, 30], [-1, 2]])
def test_a_row_that_a_part_has_not_is_refused(tmp_path: Path, wanted: list[int]) -> None:
    """Who asks for more rows than there are is told how many there are."""
    write_part(tmp_path, "samples", "a", [row_of("samples", feature=i) for i in range(30)])
    with pytest.raises(StoreError, match="has 30 rows"):
        read_rows(tmp_path, "samples", "a", wanted)
    with pytest.raises(StoreError, match="has 30 rows"):
        group_past(tmp_path, "samples", "a", wanted[0] if wanted[0] < 0 else wanted[-1])
