"""The snapshot: what is in it, when it is stale, and that a reader never sees two states."""

from pathlib import Path

import pytest
from dashboard_builders import changed, toy_home, write_run
from report_builders import make_run

from autointerp.analysis.summary import summary_lines
from autointerp.core.errors import StoreError
from autointerp.dashboard.building import build_snapshot, is_stale
from autointerp.dashboard.shelf import Reader, Shelf
from autointerp.report.tables import values_of
from autointerp.store.snapshot import current_snapshot, folder_of


@pytest.fixture
def reader(home: Path) -> Reader:
    shelf = Shelf(home)
    with shelf.lease() as reader:
        yield reader
    shelf.close()


def test_every_label_and_every_feature_without_one_is_a_row(reader: Reader) -> None:
    """Rows are labels of both explainers, beside a row for each feature that nobody asked about or that failed."""
    counts = {
        (row["status"], row["explainer"]): row["n"]
        for row in reader.rows("SELECT status, explainer, count(*) AS n FROM labels GROUP BY ALL")
    }
    assert counts == {
        ("scored", "examples"): 8, ("scored", "lexical"): 8, ("dead", ""): 6, ("too_few_examples", ""): 4,
        ("not_sampled", ""): 8, ("explain_failed", "examples"): 2, ("explain_failed", "lexical"): 2,
    }  # fmt: skip


def test_a_row_has_the_scores_of_its_label(reader: Reader) -> None:
    """Each measure's column holds the score of that very label, to the last digit."""
    run = make_run(widths=(512, 1024), n_scored=4)
    own = run["scores"][run["scores"]["control"] == "none"]
    for measure in reader.snapshot.measures:
        names = (own["scorer"] == measure.scorer) & (own["variant"] == measure.variant)
        wanted = own[names & (own["metric"] == measure.metric)].set_index("explanation")["value"].to_dict()
        rows = reader.rows(f"SELECT explanation, {measure.column} AS value FROM labels WHERE explanation IS NOT NULL")
        assert {row["explanation"]: row["value"] for row in rows} == wanted


def test_places_are_unique_and_follow_width_and_feature(reader: Reader) -> None:
    """A page can go on from any row: no two rows share a place, narrow dictionaries come first."""
    rows = reader.rows("SELECT place, dictionary, feature FROM labels ORDER BY place")
    assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
    order = [(row["dictionary"] != "toy-l12/512", row["feature"]) for row in rows]
    assert order == sorted(order)


def test_means_are_the_reports(reader: Reader) -> None:
    """A mean with its interval is the very number the report prints."""
    run = make_run(widths=(512, 1024), n_scored=4)
    wanted = summary_lines(values_of(run), run["features"], run["dictionaries"])
    rows = reader.rows("SELECT dictionary, explainer, scorer, variant, metric, value, low, high FROM lines")
    found = {tuple(row.values())[:5]: (row["value"], row["low"], row["high"]) for row in rows}
    for line in wanted:
        key = (line.dictionary, line.explainer, line.scorer, line.variant, line.metric)
        assert found[key] == (line.mean.value, line.mean.low, line.mean.high)


def test_judges_asked_the_same_have_a_row_each(tmp_path: Path) -> None:
    """A second judge's scores stand in rows of its own; a measure that one judge alone gave stands in both."""
    run = make_run(widths=(512,), n_scored=3, explainers=("examples",))
    scores = run["scores"]
    second = scores[(scores["scorer"] == "detection") & (scores["control"] == "none")].assign(
        judge="second", value=0.25
    )
    write_run(tmp_path, changed(run, scores=_joined(scores, second)), name="two")
    shelf = _shelf(tmp_path)
    with shelf.lease() as reader:
        columns = {m.name: m.column for m in reader.snapshot.measures}
        detection, simulation = columns["detection.auroc"], columns["simulation.top_and_random.correlation"]
        rows = reader.rows(f"SELECT judge, {detection} AS d, {simulation} AS s FROM labels WHERE feature = 0")
    shelf.close()
    assert {row["judge"] for row in rows} == {"local:judge", "second"}
    assert {row["d"] == 0.25 for row in rows if row["judge"] == "second"} == {True}
    assert len({row["s"] for row in rows}) == 1


def test_scores_asked_without_a_label_stand_with_each_label(tmp_path: Path) -> None:
    """What was asked of the feature alone (intruder) is found beside all of its labels."""
    run = make_run(widths=(512,), n_scored=2)
    labels, scores = run["explanations"], run["scores"]
    free = labels[labels["explainer"] == "control:blank"].assign(
        explainer="control:unlabelled", explanation=lambda rows: "u" + rows["explanation"].astype(str)
    )
    intruder = scores[(scores["metric"] == "auroc") & (scores["control"] == "blank")].assign(
        scorer="intruder", metric="accuracy", control="none", value=0.75,
        explanation=lambda rows: "u" + rows["explanation"].astype(str),
    )  # fmt: skip
    write_run(tmp_path, changed(run, explanations=_joined(labels, free), scores=_joined(scores, intruder)), name="free")
    shelf = _shelf(tmp_path)
    with shelf.lease() as reader:
        column = next(m.column for m in reader.snapshot.measures if m.scorer == "intruder")
        rows = reader.rows(f"SELECT explainer, {column} AS value FROM labels WHERE feature < 2")
    shelf.close()
    assert (
        sorted((row["explainer"], row["value"]) for row in rows) == [("examples", 0.75)] * 2 + [("lexical", 0.75)] * 2
    )


def test_a_changed_part_makes_it_stale(tmp_path: Path) -> None:
    """The snapshot follows the runs: another run, or another part of one, is another snapshot; nothing is not."""
    home = toy_home(tmp_path)
    assert is_stale(home)
    first = build_snapshot(home)
    assert not is_stale(home)
    assert build_snapshot(home) == first
    write_run(home, make_run(widths=(512,), n_scored=1), name="toy-2")
    assert is_stale(home)
    assert build_snapshot(home) != first


def test_a_reader_keeps_its_snapshot_to_the_end(tmp_path: Path) -> None:
    """Who began on one snapshot ends on it; the next request has the new one, and the old file goes with its reader."""
    home = toy_home(tmp_path)
    first = build_snapshot(home)
    shelf = Shelf(home)
    with shelf.lease() as old:
        write_run(home, make_run(widths=(512,), n_scored=1), name="toy-2")
        second = build_snapshot(home)
        with shelf.lease() as new:
            assert new.rows("SELECT count(*) AS n FROM runs") == [{"n": 2}]
        assert old.rows("SELECT count(*) AS n FROM runs") == [{"n": 1}]
        assert first.exists()
    assert not first.exists()
    assert current_snapshot(home) == second
    shelf.close()


def test_a_reader_can_reach_no_file(reader: Reader, tmp_path: Path) -> None:
    """No query can read another file, write one, or undo that."""
    (tmp_path / "secret.csv").write_text("a\n1\n", "utf-8")
    for sql in (
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
        f"ATTACH '{tmp_path}/other.duckdb'",
        f"COPY runs TO '{tmp_path}/out.csv'",
        "SET enable_external_access = true",
        "CREATE TABLE mine (a INTEGER)",
    ):
        with pytest.raises(Exception, match=r"(?i)permission|disabled|locked|read-only|cannot"):
            reader.rows(sql)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.csv"]


def test_before_the_first_snapshot_it_says_so(tmp_path: Path) -> None:
    """A home without a snapshot is a sentence, not a crash."""
    with pytest.raises(StoreError, match="no snapshot yet"), Shelf(tmp_path).lease():
        pass


def test_a_damaged_part_makes_no_snapshot(tmp_path: Path) -> None:
    """A part that cannot be read is named, the last good snapshot stays, and nothing half made is left."""
    home = toy_home(tmp_path)
    good = build_snapshot(home)
    part = next((home / "runs" / "toy-1" / "failures").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(StoreError, match="failures"):
        build_snapshot(home)
    assert current_snapshot(home) == good
    assert sorted(path.name for path in folder_of(home).iterdir()) == sorted([good.name, "current"])


def _joined(*frames: object) -> object:
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def _shelf(home: Path) -> Shelf:
    build_snapshot(home)
    return Shelf(home)
