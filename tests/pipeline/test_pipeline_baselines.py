"""Baselines in a run: fitted once, on text that is no evidence; and what a token table knows of their features."""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lexical_oracle import Against, against_lookup
from tiny_world import World, make_text

from autointerp.core.errors import ConfigError, CorpusError, SubjectError
from autointerp.pipeline.baselines import Source, fitting_documents, labelled_documents, site_beside
from autointerp.pipeline.config import Config, parse_config, parse_train_config
from autointerp.pipeline.driver import opened
from autointerp.pipeline.order import carry_out_stages
from autointerp.pipeline.run import Run
from autointerp.pipeline.sections import BaselineSection
from autointerp.pipeline.status import status_of_run
from autointerp.pipeline.training import train_ladder
from autointerp.store.parts import read_table
from autointerp.subject.dictionaries import Dictionary
from autointerp.subject.documents import name_fingerprint

CarryOut = Callable[..., Any]
KINDS = ["residual-basis", "pca", "ica", "random", "probe"]
MAX_EXCESS = 0.02


def baselines(world: World, *kinds: str, **settings: Any) -> list[dict[str, Any]]:
    """Return sections of the kinds; a probe is for documents with an even number."""
    path = world.root / "labelled.jsonl"
    lines = world.corpus.read_text("utf-8").splitlines()[:30]
    path.write_text("".join(json.dumps(json.loads(t) | {"label": i % 2}) + "\n" for i, t in enumerate(lines)), "utf-8")
    labels = {"probe": {"labelled": str(path)}}
    return [{"kind": kind} | settings | labels.get(kind, {}) for kind in kinds]


@contextmanager
def done(config: Config, home: Path, *, last: str = "evidence") -> Iterator[Run]:
    """Carry out a configuration as far as a stage and yield its run, open."""
    with opened(config, home=home) as run:
        carry_out_stages(run, last)
        yield run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("baselines")


@pytest.fixture(scope="module")
def beside(world: World, home: Path, third_parties: None) -> Iterator[Run]:  # noqa: ARG001 (imports first)
    """A run of the tiny ladder with every baseline of the site itself, as far as its evidence."""
    config = world.config(baselines=baselines(world, *KINDS), features={"n_per_dictionary": 8})
    with done(config, home) as run:
        yield run


def test_baselines_stand_beside_the_ladder(beside: Run) -> None:
    """Each is a dictionary of its own kind and family, of the site, with its hash; the run is complete with them."""
    table = read_table(beside.directory, "dictionaries").set_index("dictionary")
    assert list(table.index.sort_values()) == sorted(
        ["tiny/16", "tiny/32", "residual-basis/64", "pca/64", "ica/64", "random/64", "probe/4"]
    )
    for name, row in table.iterrows():
        assert row["family"] == str(name).split("/")[0]
        assert row["kind"] == ("jumprelu" if row["family"] == "tiny" else row["family"])
        assert row["site"] == "residual.2"
        assert len(row["sha256"]) == 64
    state = status_of_run(beside.directory)
    assert (state.n_dictionaries, state.done["evidence"]) == (7, 7)


def test_density_is_that_of_the_ladder(beside: Run) -> None:
    """On text they were not fitted on baselines fire about as often as the ladder's median feature."""
    features = read_table(beside.directory, "features")
    alive = features[features["density"] > 0]
    ladder = alive[alive["dictionary"].str.startswith("tiny/")]["density"].median()
    for kind in KINDS:
        own = features[features["dictionary"].str.startswith(f"{kind}/")]["density"]
        assert 0.6 * ladder < own.median() < 1.6 * ladder, kind


def test_fitted_text_is_no_evidence(beside: Run) -> None:
    """No document that was fitted on, or that taught a probe, is in the harvest; there are some, and most are left."""
    read = set(read_table(beside.harvest_folder, "contexts")["doc"])
    by_kind = {d.kind: d.trained for d in beside.dictionaries}
    for kind in KINDS:
        assert len(by_kind[kind]) >= 2, kind
        assert not by_kind[kind] & {name_fingerprint(doc) for doc in read}, kind
    assert len(by_kind["pca"]) < len(by_kind["probe"])
    assert len(read) >= 10


def test_fitted_once(beside: Run, world: World, home: Path) -> None:
    """Another run under the same home reads them as they stand; another seed fits its own."""
    files = {path: path.stat().st_mtime_ns for path in home.glob("cache/baselines/*/fitted/*")}
    assert len(files) == 2 * len(KINDS)
    again = beside.config.model_copy(update={"name": "again"})
    with opened(again, home=home) as run:
        assert [d.sha256 for d in run.dictionaries] == [d.sha256 for d in beside.dictionaries]
    assert {path: path.stat().st_mtime_ns for path in home.glob("cache/baselines/*/fitted/*")} == files
    with opened(world.config(seed=1, baselines=baselines(world, "random")), home=home) as run:
        assert run.dictionaries[-1].sha256 not in {d.sha256 for d in beside.dictionaries}


def test_two_of_one_name(world: World, tmp_path: Path) -> None:
    """Two baselines that would have one name are refused; a name of its own tells them apart."""
    twice = baselines(world, "random", "random", density=0.01)
    with opened(world.config(baselines=twice), home=tmp_path) as run, pytest.raises(ConfigError, match="random/64"):
        assert run.dictionaries
    twice[1]["name"] = "second"
    with opened(world.config(baselines=twice), home=tmp_path) as run:
        assert [d.name for d in run.dictionaries[-2:]] == ["random/64", "second/64"]


def test_without_dictionaries(world: World, tmp_path: Path) -> None:
    """Baselines of a given density need no ladder; how many directions there are can be said."""
    config = world.config(dictionaries=[], baselines=baselines(world, "random", "pca", density=0.02, n_directions=5))
    with opened(config, home=tmp_path) as run:
        assert [d.name for d in run.dictionaries] == ["random/10", "pca/10"]
        for dictionary in run.dictionaries:
            assert dictionary.evaluation["density_reached"] == pytest.approx(0.02, abs=1e-3)
            assert dictionary.evaluation["l0"] == pytest.approx(0.2, abs=1e-2)


def test_feature_of_a_baseline_by_name(world: World, tmp_path: Path) -> None:
    """``features.only`` takes a baseline's features as it takes a ladder's."""
    config = world.config(baselines=baselines(world, "pca"), features={"only": ["pca/64#1"]})
    with done(config, tmp_path) as run:
        evidence = read_table(run.directory, "evidence")
    assert set(zip(evidence["dictionary"], evidence["feature"], strict=True)) == {("pca/64", 1)}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "pcs"}, "no baseline named 'pcs'; did you mean 'pca'"),
        ({"kind": "shuffled"}, "`autointerp train` with shuffle_weights = true"),
        ({"kind": "pca", "densty": 0.1}, "unknown key 'baselines.0.densty'; did you mean 'density'"),
        ({"kind": "pca", "density": 0.6}, "baselines.0.density: "),
        ({"kind": "probe"}, "a probe needs labelled text"),
        ({"kind": "probe", "positive": ["gensim-news"]}, "a probe needs labelled text"),
        ({"kind": "probe", "labelled": "x", "positive": ["a"], "negative": ["b"]}, "a probe needs labelled text"),
        ({"kind": "random", "positive": ["gensim-news"]}, "takes no labelled text"),
        ({"kind": "probe", "labelled": "x", "n_directions": 3}, "a probe has two directions"),
    ],
)
def test_wrong_baselines(world: World, section: dict[str, object], message: str) -> None:
    """A mistake in one of several tables is one line that says which table and what would be right."""
    with pytest.raises(ConfigError) as caught:
        parse_config(world.content(baselines=[section]), source="a.toml")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_density_of_nothing(world: World) -> None:
    """Without dictionaries there is no density to match, and without baselines nothing to label at all."""
    for changes, message in (({"baselines": [{"kind": "pca"}]}, "set `density`"), ({}, r"add \[\[baselines\]\]")):
        with pytest.raises(ConfigError, match=message):
            world.config(dictionaries=[], **changes)


def test_too_little_text(world: World, tmp_path: Path) -> None:
    """A corpus that leaves nothing to fit on is an error, for a baseline fitted on what it is tested on is none."""
    path = tmp_path / "few.jsonl"
    path.write_text("".join(line + "\n" for line in world.corpus.read_text("utf-8").splitlines()[:3]), "utf-8")
    config = world.config(corpus=[f"jsonl:{path}"], baselines=baselines(world, "pca"))
    with opened(config, home=tmp_path / "home") as run, pytest.raises(CorpusError, match="name more text"):
        assert run.dictionaries


def test_what_trained_the_ladder_is_fitted_on_first(world: World) -> None:
    """It is no evidence anyway; of the rest a keyed fifth follows, the same in whatever order the corpus stands."""
    corpus = [f"jsonl:{world.corpus}"]
    trained = frozenset(name_fingerprint(f"corpus/{number}") for number in range(40, 51))
    names = [d.doc for d in fitting_documents(corpus, trained, seed=0)]
    assert {name_fingerprint(name) for name in names[:11]} == trained
    assert 2 <= len(names) - 11 <= 16
    assert names[11:] == [d.doc for d in fitting_documents(corpus, frozenset(), seed=0) if d.doc not in names[:11]]


def test_labels_that_are_none(tmp_path: Path) -> None:
    """A line without label, or with another one, is named by file and number."""
    path = tmp_path / "l.jsonl"
    for line, message in (
        ('{"text": "a"}', "with the field 'label'"),
        ('{"text": "a", "label": "yes"}', "neither true"),
    ):
        path.write_text(f'{{"text": "b", "label": true}}\n{line}\n', "utf-8")
        with pytest.raises(CorpusError, match=rf"l\.jsonl:2.*{message}"):
            labelled_documents(BaselineSection(kind="probe", labelled=str(path)))


def test_neurons_are_read_inside_the_mlp(beside: Run) -> None:
    """They have the layer's own size, fire as often as wanted there, and point where the down projection writes."""
    ladder = tuple(beside.dictionaries[:2])
    source = Source(beside, ladder, site_beside(beside, ladder))
    section = BaselineSection(kind="neurons", density=0.02)
    fitted: Dictionary = source.fit(section, Path("nowhere"))
    assert (fitted.name, fitted.site, fitted.output_site) == ("neurons/128", "neurons.2", "mlp.2")
    assert (fitted.d_model, fitted.directions.shape) == (64, (128, 32))
    fires = fitted.encode(source.vectors(section, of_neurons=True)) > 0
    assert fires.double().mean(dim=0).numpy() == pytest.approx(np.full(128, 0.02), abs=1e-3)


def test_neurons_are_harvested_beside_the_ladder(world: World, tmp_path: Path) -> None:
    """A run reads neurons at their own site in the same pass: on new text they fire about as often as wanted."""
    config = world.config(baselines=baselines(world, "neurons", density=0.02))
    with done(config, tmp_path) as run:
        sites = read_table(run.directory, "dictionaries").set_index("dictionary")["site"].to_dict()
        features = read_table(run.directory, "features")
        limits = json.loads((run.harvest_folder / "manifest.json").read_text())["max_norm"]
    assert sites == {"tiny/16": "residual.2", "tiny/32": "residual.2", "neurons/128": "neurons.2"}
    # A token that is loud among the neurons is not left out of the ladder.
    assert set(limits) == {"residual.2"}
    assert 0.015 < features[features["dictionary"] == "neurons/128"]["density"].median() < 0.025


def test_report_names_baselines(world: World, home: Path, carry_out: CarryOut) -> None:
    """A run with a baseline goes to its report, which has it in its tables beside the ladder, scored like it."""
    config = world.config(name="told", baselines=baselines(world, "pca"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # altair's, while charts are drawn
        outcome = carry_out(config, home, last="report")
    page = outcome.report.read_text("utf-8")
    assert "pca/64" in page
    assert "tiny/32" in page
    scored = read_table(outcome.run, "scores").query("control == 'none' and status == 'scored'")
    assert {"pca/64", "tiny/32"} <= set(scored["dictionary"])
    assert status_of_run(outcome.run).is_complete


# ---- the shuffled subject


@pytest.fixture(scope="module")
def shuffled_ladder(world: World, home: Path, third_parties: None) -> Path:  # noqa: ARG001 (imports first)
    """A ladder of one width trained on the shuffled tiny subject."""
    content = world.train_content(name="lost", shuffle_weights=True, widths=[24], n_tokens=8192)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = parse_train_config(content, source="t.toml")
        return train_ladder(config, home=home, folder=home / "lost", command="", on_progress=lambda *_: None)


def test_shuffled_dictionary_says_so(shuffled_ladder: Path, world: World, tmp_path: Path) -> None:
    """Its kind is ``shuffled``, the manifest names the permutation, and it reads no subject but the shuffled one."""
    manifest = json.loads((shuffled_ladder / "manifest.json").read_text())
    assert manifest["subject"]["subject_shuffled"] == 0
    with opened(world.config(dictionaries=[str(shuffled_ladder)], shuffle_weights=True), home=tmp_path) as run:
        assert [(d.name, d.kind) for d in run.dictionaries] == [("lost/24", "shuffled")]
        assert run.subject.sha256 == manifest["subject"]["sha256"]
    for config in (world.config(dictionaries=[str(shuffled_ladder)]), world.config(shuffle_weights=True)):
        with opened(config, home=tmp_path) as run, pytest.raises(SubjectError, match="set shuffle_weights = "):
            assert run.dictionaries


@pytest.fixture(scope="module")
def compared(shuffled_ladder: Path, world: World, home: Path) -> list[Against]:
    """Features of random directions, of the subject as it is and shuffled, and of the shuffled ladder, on more text."""
    path = world.root / "more.jsonl"
    texts = [json.dumps({"text": make_text(number)}) + "\n" for number in range(1000, 1090)]
    path.write_text("".join(texts), "utf-8")
    shared = {
        "corpus": [f"jsonl:{path}"],
        "baselines": baselines(world, "random", density=0.01),
        "features": {"n_per_dictionary": 24, "min_held_out": 12},
        "evidence": {"shown_top": 5, "shown_firing": 10, "held_out_firing": 15, "held_out_silent": 20},
    }
    lost = {"name": "lost", "dictionaries": [str(shuffled_ladder)], "shuffle_weights": True}
    found: list[Against] = []
    for changes in ({"name": "trained", "dictionaries": []}, lost):
        with done(world.config(**shared, **changes), home) as run:
            found += against_lookup(run)
    return found


@pytest.mark.parametrize("family", ["random", "lost"])
def test_label_adds_nothing_to_the_lookup(compared: list[Against], family: str) -> None:
    """Random directions and dictionaries of a shuffled subject have no label that leads a table of tokens.

    With an oracle that answers by the lexical label's own rule the mean ``excess_lookup`` of detection is at
    most 0.02, though there are labels, and the look-up itself is better than chance.
    """
    mine = [one for one in compared if one.feature.dictionary.startswith(family)]
    excess = np.array([one.excess for one in mine if one.excess is not None])
    assert len(excess) >= 10
    assert excess.mean() <= MAX_EXCESS
    assert np.mean([one.lookup for one in mine]) > 0.52


def test_subject_is_not_shuffled_twice(world: World, tmp_path: Path) -> None:
    """Every run of the shuffled subject has the same one, in a harvest of its own."""
    config = world.config(dictionaries=[], baselines=baselines(world, "random", density=0.02), shuffle_weights=True)
    plain = config.model_copy(update={"shuffle_weights": False})
    runs = [Run(c, tmp_path, tmp_path / "run") for c in (config, config, plain)]
    one, other, trained = (run.subject.model.get_input_embeddings().weight for run in runs)
    assert torch.equal(one, other)
    assert not torch.equal(one, trained)
    folders = [run.harvest_folder for run in runs]
    assert folders[0] == folders[1] != folders[2]
