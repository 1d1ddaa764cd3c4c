"""Bad input: a clear error with its exit code, or rows with a reason; nothing lost."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tiny_world import DEAD, EVERYWHERE, SITE, THREE_FIRINGS, FinishedRun, World, save_dictionary

from autointerp.core.errors import AutointerpError, ConfigError, CorpusError, StoreError, SubjectError
from autointerp.store.parts import read_table

CarryOut = Callable[..., Any]
SameTables = Callable[[Path, Path], None]


def refused(carry_out: CarryOut, config: Any, home: Path, kind: type[AutointerpError], *words: str) -> None:
    """Check the error's class, exit code and words, and that no run folder is left that holds results."""
    with pytest.raises(kind) as caught:
        carry_out(config, home)
    assert caught.value.exit_code in {2, 3}
    for word in words:
        assert word in str(caught.value)
    assert not list(home.glob("runs/*/scores/*"))


def test_dictionary_of_another_size(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """A dictionary whose d_model differs from the site's is refused with both numbers."""
    save_dictionary(tmp_path / "wide" / "8", width=8, d_model=48)
    config = world.config(dictionaries=[str(tmp_path / "wide")])
    refused(carry_out, config, tmp_path / "home", SubjectError, "vectors of 48", "has 32", "wide/8")


def test_layer_that_does_not_exist(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """The error says which layers there are."""
    refused(carry_out, world.config(site="residual.9"), tmp_path, SubjectError, "residual.9", "layers 1 to 4")


def test_two_dictionaries_of_one_name(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """What is found of two dictionaries of one name could not be told apart: refused, with both paths."""
    for folder in ("one", "two"):
        save_dictionary(tmp_path / folder / "8", width=8, metadata={"name": "same/8", "site": SITE})
    config = world.config(dictionaries=[str(tmp_path / "one"), str(tmp_path / "two")])
    paths = (f"{tmp_path}/one/8", f"{tmp_path}/two/8")
    refused(carry_out, config, tmp_path / "home", ConfigError, *paths, "both called same/8")


def test_pickle_for_a_dictionary(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """A pickle offered as weights is refused with the line that converts it, before anything is written."""
    path = tmp_path / "ae.pt"
    path.write_bytes(b"\x80\x04N.")
    config = world.config(dictionaries=[str(path)])
    refused(carry_out, config, tmp_path / "home", SubjectError, "is a pickle", "weights_only=True", "save_file")


def test_dictionary_that_does_not_say_where_it_reads(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """Without a site in its files and in the configuration the error says what to set; set, the run goes on."""
    save_dictionary(tmp_path / "bare" / "8", width=8, metadata={"name": "bare/8"})
    without = world.config(dictionaries=[str(tmp_path / "bare")], site="")
    refused(carry_out, without, tmp_path / "home", SubjectError, "bare/8", "set site = ")
    carry_out(world.config(dictionaries=[str(tmp_path / "bare")]), tmp_path / "home", last="harvest")


def test_site_may_be_left_out(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """A dictionary whose files say where it reads is read there, whether or not the configuration says it too."""
    for number, site in enumerate(("", SITE)):
        carry_out(world.config(site=site), tmp_path / str(number), last="harvest")
    with_site, without = (
        next((tmp_path / str(n)).glob("cache/harvests/*/manifest.json")).read_text() for n in range(2)
    )
    assert json.loads(with_site)["sites"] == json.loads(without)["sites"] == dict.fromkeys(("tiny/16", "tiny/32"), SITE)
    assert json.loads(with_site)["dictionaries"] == json.loads(without)["dictionaries"]


@pytest.mark.parametrize("name", ["/nowhere/ladder", "."])
def test_dictionary_that_is_none(world: World, carry_out: CarryOut, tmp_path: Path, name: str) -> None:
    """Nothing is written for a dictionary that does not exist, not even the run's folder."""
    refused(carry_out, world.config(dictionaries=[name]), tmp_path, SubjectError, "no dictionary here")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("nothing to read", "0 documents with text")),
        (b'{"text": "too short for a window"}\n', ("nothing to read", "1 are shorter than 32 tokens")),
        (b'{"text": "\xff"}\n', ("byte 10 is not UTF-8", "iconv")),
        (b'{"text": "cut sh', ("c.jsonl:1", "not a JSON object")),
    ],
)
def test_corpus_that_cannot_be_read(
    world: World, carry_out: CarryOut, tmp_path: Path, content: bytes, words: tuple[str, ...]
) -> None:
    """Empty, shorter than a window, not UTF-8, not JSON: each an error that names the file and what to do."""
    path = tmp_path / "c.jsonl"
    path.write_bytes(content)
    refused(carry_out, world.config(corpus=[f"jsonl:{path}"]), tmp_path / "home", CorpusError, *words)


def test_short_documents_are_counted(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """Short documents among longer ones are left out and counted, and the harvest goes on."""
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'{"text": "too short"}\n' + world.corpus.read_bytes())
    carry_out(world.config(corpus=[f"jsonl:{path}"]), tmp_path / "home", last="harvest")
    facts = json.loads(next((tmp_path / "home").glob("cache/harvests/*/manifest.json")).read_text())
    assert facts["n_documents_too_short"] == 1
    assert facts["n_documents"] == 50


def test_trained_documents_are_never_harvested(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """What trained the ladder is left out of the harvest, known by its name or by its text."""
    from autointerp.subject.corpus import read_corpus

    documents = list(read_corpus([f"jsonl:{world.corpus}"]))
    by_name, by_text = documents[:10], documents[10:20]
    shutil.copytree(world.ladder, tmp_path / "tiny")
    prints = [d.fingerprints[0] for d in by_name] + [d.fingerprints[1] for d in by_text]
    (tmp_path / "tiny" / "trained_documents.txt").write_text("\n".join(prints) + "\n")
    config = world.config(dictionaries=[str(tmp_path / "tiny")])
    carry_out(config, tmp_path / "home", last="harvest")
    folder = next((tmp_path / "home").glob("cache/harvests/*"))
    assert set(read_table(folder, "contexts")["doc"]) == {d.doc for d in documents[20:]}
    assert json.loads((folder / "manifest.json").read_text())["n_documents_trained_on_left_out"] == 20


def test_all_documents_trained_on(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """A corpus of nothing but training text is an error that says so."""
    from autointerp.subject.corpus import read_corpus

    shutil.copytree(world.ladder, tmp_path / "tiny")
    prints = [d.fingerprints[0] for d in read_corpus([f"jsonl:{world.corpus}"])]
    (tmp_path / "tiny" / "trained_documents.txt").write_text("\n".join(prints))
    config = world.config(dictionaries=[str(tmp_path / "tiny")])
    refused(carry_out, config, tmp_path / "home", CorpusError, "50 of them trained the dictionary")


# ---- features that cannot be scored


@pytest.fixture(scope="module")
def odd_run(world: World, carry_out: CarryOut, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over a dead feature, one that fires everywhere and one with 3 firings, all named in features.only."""
    names = [f"tiny/16#{i}" for i in (DEAD, EVERYWHERE, THREE_FIRINGS)]
    return carry_out(world.config(name="odd", features={"only": names}), tmp_path_factory.mktemp("odd")).run


def test_fates_of_features(odd_run: Path) -> None:
    """The table of features tells the three apart."""
    features = read_table(odd_run, "features").query("dictionary == 'tiny/16'").set_index("feature")
    assert features.loc[DEAD, "status"] == "dead"
    assert features.loc[DEAD, "peak"] == 0
    assert features.loc[EVERYWHERE, "density"] == 1
    assert features.loc[EVERYWHERE, "window_density"] == 1
    assert features.loc[THREE_FIRINGS, "status"] == "too_few_examples"
    assert 0 < features.loc[THREE_FIRINGS, "n_windows"] <= 3


@pytest.mark.parametrize(("index", "status"), [(DEAD, "dead"), (THREE_FIRINGS, "too_few_examples")])
def test_odd_features_have_reasons_not_numbers(odd_run: Path, index: int, status: str) -> None:
    """A feature without examples has a row a scorer with its status, and no value anywhere."""
    scores = read_table(odd_run, "scores").query("dictionary == 'tiny/16'")
    mine = scores[scores["feature"] == index]
    assert set(mine["scorer"]) == {"simulation", "detection"}
    assert set(mine["status"]) == {status}
    assert mine["value"].isna().all()


def test_feature_that_fires_everywhere(odd_run: Path) -> None:
    """Without a silent window nothing can be told apart: AUROC and balanced accuracy have a reason, no number."""
    scores = read_table(odd_run, "scores").query("dictionary == 'tiny/16'")
    mine = scores[(scores["feature"] == EVERYWHERE) & scores["metric"].isin(["auroc", "balanced_accuracy"])]
    assert len(mine)
    assert mine["value"].isna().all()
    assert (mine["status"] != "scored").all()
    assert mine["reason"].str.len().gt(0).all()


def test_report_of_odd_features(odd_run: Path) -> None:
    """Unscored features make a report like any others."""
    from autointerp.report.write import write_report

    assert write_report(odd_run).stat().st_size > 1000


@pytest.mark.parametrize("name", ["tiny/16#99", "tiny/17#1"])
def test_named_feature_that_does_not_exist(world: World, carry_out: CarryOut, tmp_path: Path, name: str) -> None:
    """An index beyond the width or an unknown dictionary: an error naming it, before any text is read."""
    refused(carry_out, world.config(features={"only": [name]}), tmp_path, ConfigError, name)


@pytest.mark.parametrize(
    ("section", "name", "words"),
    [
        ({"score": {"judge": "oracle:sensitivity=0.9"}}, "score.judge", "oracles only serve: autointerp certify"),
        ({"explain": {"model": "oracle"}}, "explain.model", "oracles only serve: autointerp certify"),
        ({"score": {"judge": "constant:2"}}, "score.judge", "constant"),
        ({"score": {"judge": "constant:half"}}, "score.judge", "constant"),
    ],
)
def test_function_in_a_judges_place(world: World, section: dict[str, Any], name: str, words: str) -> None:
    """An oracle, or a constant without a share, is refused with the configuration: where, and what it is good for."""
    with pytest.raises(ConfigError, match=f"test.toml: {re.escape(name)}: .*{re.escape(words)}"):
        world.config(**section)


def test_unknown_judge(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """A misspelt judge is refused before anything is read, with the nearest name."""
    config = world.config(score={"judge": "constnat:0.3"})
    refused(carry_out, config, tmp_path, ConfigError, "constnat", "did you mean 'constant'")
    assert not list(tmp_path.glob("cache/harvests/*"))


# ---- damaged and foreign folders


@pytest.fixture
def copied(finished_run: FinishedRun, tmp_path: Path) -> FinishedRun:
    """The finished run in a home of its own, to be damaged."""
    home = tmp_path / "home"
    shutil.copytree(finished_run.home, home)
    return FinishedRun(finished_run.config, home, home / "runs" / finished_run.folder.name)


def test_part_cut_short(
    copied: FinishedRun, carry_out: CarryOut, finished_run: FinishedRun, same_tables: SameTables
) -> None:
    """A part cut short is an error naming file and remedy; the remedy, deleting it, gives the same tables again."""
    path = sorted((copied.folder / "explanations").glob("*.parquet"))[0]
    shutil.rmtree(copied.folder / "scores")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(
        StoreError, match=rf"{re.escape(path.name)}: damaged .*delete it and run the same command again"
    ):
        carry_out(copied.config, copied.home)
    path.unlink()
    carry_out(copied.config, copied.home)
    same_tables(copied.folder, finished_run.folder)


def test_part_with_a_missing_column(copied: FinishedRun, carry_out: CarryOut) -> None:
    """The error names file, column and remedy."""
    path = sorted((copied.folder / "evidence").glob("*.parquet"))[0]
    pq.write_table(pq.read_table(path, partitioning=None).drop_columns(["stratum"]), path)
    shutil.rmtree(copied.folder / "explanations")
    with pytest.raises(StoreError, match=rf"{re.escape(path.name)}: no column stratum; .*delete it and run"):
        carry_out(copied.config, copied.home)


def test_folder_of_another_configuration(copied: FinishedRun, carry_out: CarryOut, world: World) -> None:
    """A folder that stands where this run would be is refused with the settings that differ, and left as it is."""
    from autointerp.pipeline.run import run_directory

    other = world.config(seed=5)
    place = run_directory(copied.home, other)
    shutil.copytree(copied.folder, place)
    before = sorted(str(p) for p in place.rglob("*"))
    with pytest.raises(ConfigError, match=r"made with other settings: .*seed was 0, now 5"):
        carry_out(other, copied.home)
    assert sorted(str(p) for p in place.rglob("*")) == before


def test_retry_asks_again_what_failed(
    copied: FinishedRun, carry_out: CarryOut, finished_run: FinishedRun, same_tables: SameTables
) -> None:
    """``retry`` forgets the scores of the dictionary in which a question failed, and only these; then they are made."""
    from autointerp.pipeline.forgetting import forget_failed
    from autointerp.store.parts import has_part, write_part

    row = {"stage": "score", "about": "tiny/16#3", "reason": "timeout", "detail": "no reply"}
    write_part(copied.folder, "failures", "score-tiny/16 1 of 1", [row])
    assert forget_failed(copied.folder) == 1
    assert not has_part(copied.folder, "scores", "tiny/16 1 of 1")
    assert not has_part(copied.folder, "predictions", "tiny/16 1 of 1")
    assert has_part(copied.folder, "features", "tiny/16")
    carry_out(copied.config, copied.home)
    same_tables(copied.folder, finished_run.folder)


def test_same_command_twice(copied: FinishedRun, carry_out: CarryOut) -> None:
    """The second time no stage has anything to do and no part is written again."""
    steps: list[str] = []
    parts = {p: p.stat().st_mtime_ns for p in copied.home.rglob("*.parquet")}
    carry_out(copied.config, copied.home, on_progress=lambda stage, *_: steps.append(stage))
    assert steps == []
    assert {p: p.stat().st_mtime_ns for p in copied.home.rglob("*.parquet")} == parts


# ---- the disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    made = mount and os.geteuid() == 0 and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=False, capture_output=True
    ).returncode == 0  # fmt: skip
    if not made:
        pytest.skip("NOT TESTED: a full disk; mounting a tmpfs needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("n_free_kb", [8, 200])
def test_full_disk(
    world: World,
    carry_out: CarryOut,
    finished_run: FinishedRun,
    same_tables: SameTables,
    small_disk: Path,
    n_free_kb: int,
) -> None:
    """A full disk is an error that says so; after space is freed the same command completes, the same tables."""
    ballast = small_disk / "ballast"
    stat = os.statvfs(small_disk)
    ballast.write_bytes(b"x" * (stat.f_bavail * stat.f_frsize - n_free_kb * 1024))
    with pytest.raises(StoreError, match=r"free space|No space left"):
        carry_out(world.config(), small_disk)
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    outcome = carry_out(world.config(), small_disk)
    same_tables(outcome.run, finished_run.folder)


def test_site_of_the_ladder() -> None:
    """The tests above name the site the dictionaries were made for."""
    assert SITE == "residual.2"
