"""Every scorer and every explainer in one run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_world import Script, everything
from tiny_world import FinishedRun, World

from autointerp.core.types import LABEL_KINDS
from autointerp.pipeline.adding import regrade, reopened
from autointerp.pipeline.driver import load_config
from autointerp.pipeline.judging import scorers_of, step_scorers_of
from autointerp.score import SCORERS, STEP_SCORERS
from autointerp.store.parts import part_paths, read_table

CarryOut = Callable[..., Any]
SameTables = Callable[[Path, Path], None]
# Altair warns of its own dependencies while charts are drawn.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LABEL_FREE = {"intruder", "contrastive", "sort"}
SIGNED = {"examples", "examples_full", "contrast", "outputs", "lexical", "best_of_2:examples", "revise:examples"}


@pytest.fixture(scope="module")
def whole(
    world: World,
    carry_out: CarryOut,
    script: Script,  # noqa: ARG001 (answers)
    tmp_path_factory: pytest.TempPathFactory,
) -> FinishedRun:
    """A run of everything, read from one TOML file and carried out to its report."""
    home = tmp_path_factory.mktemp("everything")
    config = load_config(world.toml(home / "everything.toml", **everything(world)))
    return FinishedRun(config, home, carry_out(config, home, last="report").run)


def test_every_scorer_and_explainer_in_one_run(whole: FinishedRun) -> None:
    """All explainers write and all scorers have numbers; nothing fails but rules that nobody could find."""
    scores, labels, failures = (read_table(whole.folder, name) for name in ("scores", "explanations", "failures"))
    own = labels[~labels["explainer"].str.startswith("control:")]
    assert set(own["explainer"]) == SIGNED
    assert set(scores.loc[scores["value"].notna(), "scorer"]) == {*SCORERS, *STEP_SCORERS}
    assert set(zip(failures["stage"], failures["reason"], strict=True)) <= {("explain", "explain_failed")}
    assert (whole.folder / "report.html").exists()


def test_every_headline_has_a_number(whole: FinishedRun) -> None:
    """The variant and metric that a scorer says it is read by stand in the table, with its chance, for some feature."""
    scores = read_table(whole.folder, "scores").query("control == 'none' and status == 'scored'")
    with reopened(whole.folder) as run:
        names = run.config.score.scorers
        for scorer in [*scorers_of(run, names), *step_scorers_of(run, names)]:
            headline = (scorer.name, *scorer.headline)
            rows = scores[scores[["scorer", "variant", "metric"]].apply(tuple, axis=1) == headline]
            assert len(rows), headline
            if scorer.chance is not None:
                assert set(rows["chance"]) == {scorer.chance}


def test_scorers_without_label_are_asked_once_a_feature(whole: FinishedRun) -> None:
    """However many labels a feature has, such a scorer has one row a measure of it, under no label, and no control."""
    scores, labels = read_table(whole.folder, "scores"), read_table(whole.folder, "explanations")
    writers = labels.drop_duplicates("explanation").set_index("explanation")["explainer"]
    free = scores[scores["scorer"].isin(LABEL_FREE)]
    assert set(free["explanation"].map(writers)) == {"control:unlabelled"}
    assert set(free["control"]) == {"none"}
    assert not free.duplicated(["dictionary", "feature", "scorer", "variant", "metric"]).any()
    judged = scores[scores["scorer"].isin({"detection"}) & (scores["control"] == "none")]
    assert set(judged["explanation"].map(writers).dropna()) == SIGNED


def test_long_forms_are_kept(whole: FinishedRun) -> None:
    """Long form, kind and concepts of a label stand in the table; empty where the explainer was not asked for them."""
    labels = read_table(whole.folder, "explanations").set_index("explainer")
    full = labels.loc["examples_full"]
    assert set(full["long"]) == {"Rivers."}
    assert {tuple(concepts) for concepts in full["concepts"]} == {("rivers", "roads")}
    assert set(labels["kind"]) <= {"", *LABEL_KINDS}
    assert set(labels.loc["outputs", "kind"]) == {"output"}
    assert set(labels.loc["examples", "long"]) == {""}


def test_hard_windows_are_drawn_on_their_sides(whole: FinishedRun) -> None:
    """Each kind that is asked for is sampled on the shown and the held-out side, silent indeed; siblings are named."""
    rows, features = read_table(whole.folder, "evidence"), read_table(whole.folder, "features")
    kinds = rows.assign(kind=rows["stratum"].str.extract(r"^(silent:[a-z_]+)")[0])
    for side in ("shown", "held_out"):
        found = set(kinds.loc[kinds["side"] == side, "kind"].dropna())
        assert found == {f"silent:{kind}" for kind in ("random", "same_token", "near", "sibling", "other")}
    assert kinds.loc[kinds["kind"].notna(), "activations"].map(max).max() == 0
    drawn = features[features["status"] == "pending"]
    for row in drawn.itertuples():
        assert 0 < len(row.siblings) <= 5
        assert f"{row.dictionary}#{row.feature}" not in row.siblings
        assert len(row.promoted) == 60


def test_judges_who_were_not_asked_are_not_named(whole: FinishedRun) -> None:
    """Beside embedding stands the encoder, beside sensitivity the writer, beside the others the judge."""
    scores = read_table(whole.folder, "scores").query("judge != 'lookup'")
    judges = scores.groupby("scorer")["judge"].unique().map(list).to_dict()
    assert judges.pop("embedding") == [f"encoder:{whole.config.score.encoder}"]
    assert judges.pop("sensitivity") == ["script:writer"]
    assert {tuple(names) for names in judges.values()} == {("script:judge",)}


def test_made_again_from_stored_replies(
    whole: FinishedRun, carry_out: CarryOut, script: Script, same_tables: SameTables, tmp_path: Path
) -> None:
    """With its labels and scores gone the same command makes the same tables, and asks nothing anew."""
    import shutil

    home = tmp_path / "home"
    shutil.copytree(whole.home, home)
    folder = home / whole.folder.relative_to(whole.home)
    for table in ("explanations", "predictions", "scores"):
        for path in part_paths(folder, table):
            path.unlink()
    n_asked = script.asked.total()
    carry_out(whole.config, home)
    same_tables(folder, whole.folder)
    assert script.asked.total() == n_asked


def test_regraded_scores_are_the_stored_ones(
    whole: FinishedRun, script: Script, same_tables: SameTables, tmp_path: Path
) -> None:
    """Graded anew from stored predictions every score comes out the same, of every scorer, without one question."""
    import shutil

    home = tmp_path / "home"
    shutil.copytree(whole.home, home)
    folder = home / whole.folder.relative_to(whole.home)
    n_asked = script.asked.total()
    with reopened(folder) as run:
        n_scores, n_other = regrade(run)
    assert (n_scores, n_other) == (len(read_table(whole.folder, "scores")), 0)
    assert script.asked.total() == n_asked
    same_tables(folder, whole.folder)


def test_regrading_computes(whole: FinishedRun, tmp_path: Path) -> None:
    """A prediction that is other than before makes another score: what is stored is not copied."""
    import shutil

    home = tmp_path / "home"
    shutil.copytree(whole.home, home)
    folder = home / whole.folder.relative_to(whole.home)
    from autointerp.store.parts import write_part

    (path,) = part_paths(folder, "predictions")
    predictions = read_table(folder, "predictions")
    predictions.loc[predictions["scorer"] == "detection", "guess"] *= 0.5
    path.unlink()
    with reopened(folder) as run:
        from autointerp.pipeline.chunks import run_chunks

        (chunk,) = run_chunks(run)
        write_part(folder, "predictions", chunk.name, predictions)
        _, n_other = regrade(run)
    assert n_other > 0
    stored, now = (read_table(place, "scores").query("metric == 'recall'") for place in (whole.folder, folder))
    assert now["value"].mean() < stored["value"].mean()
