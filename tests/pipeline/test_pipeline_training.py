"""A ladder through the whole of ``train``: several axes, gone on with or refused, and read back as families."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
from tiny_world import World

from autointerp.core.errors import ConfigError
from autointerp.pipeline.config import parse_train_config
from autointerp.pipeline.run import find_dictionaries
from autointerp.pipeline.training import train_ladder
from autointerp.store.parts import read_table
from autointerp.subject.dictionaries import trained_documents
from autointerp.subject.loading import load_dictionary

SEVERAL: dict[str, Any] = {"widths": [8, 16], "k": [2, 4], "seeds": [0, 1], "batch": 256}


def trained(world: World, home: Path, **changes: Any) -> list[str]:
    """Train into ``home/small`` and return the stages that took place."""
    config = parse_train_config(world.train_content(**changes), source="t.toml")
    stages: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train_ladder(
            config, home=home, folder=home / "small", command="",
            on_progress=lambda stage, *_: stages.append(stage) if stage not in stages else None,
        )  # fmt: skip
    return stages


@pytest.fixture(scope="module")
def several(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a ladder of two widths, two k and two seeds."""
    home = tmp_path_factory.mktemp("several")
    trained(world, home, **SEVERAL)
    return home


def test_members_are_families_of_widths(several: Path) -> None:
    """Eight dictionaries in four families of two widths, found by the ladder's folder, each measured on fresh text."""
    dictionaries = [load_dictionary(folder) for folder in find_dictionaries(str(several / "small"))]
    assert {(d.family, d.n_features) for d in dictionaries} == {
        (f"small-k{k}-s{seed}", width) for k in (2, 4) for seed in (0, 1) for width in (8, 16)
    }
    for d in dictionaries:
        assert d.name == f"{d.family}/{d.n_features}"
        assert {"l0", "fraction_variance_explained", "fraction_ce_recovered", "alive_share"} <= set(d.evaluation)
        assert trained_documents(d.folder)


def test_losses_stand_beside_the_ladder(several: Path) -> None:
    """The table has every member after each marked step, and agrees with what the evaluation found it worth."""
    table = read_table(several / "small", "training")
    assert len(set(table["dictionary"])) == 8
    assert set(table.groupby("dictionary")["step"].agg(tuple)) == {(1, 2, 3, 4, 6, 8, 11, 16)}
    assert (table["flops"] == 6.0 * table["n_parameters"] * table["tokens"]).all()
    assert (table["family"] + "/" + table["width"].astype(str) == table["dictionary"]).all()


def test_the_same_command_again_does_nothing(world: World, several: Path) -> None:
    """A finished ladder stays to the bit; another evaluation of it trains nothing."""
    before = {path: path.read_bytes() for path in (several / "small").rglob("*.*")}
    assert trained(world, several, **SEVERAL) == []
    assert before == {path: path.read_bytes() for path in (several / "small").rglob("*.*")}
    home = several / "other"
    shutil.copytree(several / "small", home / "small")
    shutil.copytree(several / "cache", home / "cache")
    assert "train" not in trained(world, home, **SEVERAL, n_evaluation_contexts=3)
    manifest = json.loads((home / "small" / "manifest.json").read_text())
    assert manifest["config"]["n_evaluation_contexts"] == 3
    for path in (home / "small").glob("*/*.safetensors"):
        assert path.read_bytes() == before[several / "small" / path.relative_to(home / "small")]


def test_another_ladder_is_refused(world: World, several: Path, tmp_path: Path) -> None:
    """Neither other settings nor another text may train over a finished ladder, nor over one of unknown making."""
    with pytest.raises(ConfigError, match=r"small: another ladder was trained there: k was \[2\.0, 4\.0\], is"):
        trained(world, several, **SEVERAL | {"k": 3})
    with pytest.raises(ConfigError, match=r"n_tokens was 4096, is 4224"):
        trained(world, several, **SEVERAL, n_tokens=4224)
    with pytest.raises(ConfigError, match=r'name was "small", is "other"'):
        trained(world, several, **SEVERAL, name="other")
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "manifest.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"it does not say how\. Name another folder"):
        trained(world, tmp_path, **SEVERAL)


def test_a_changed_subject_is_harvested_anew(world: World, tmp_path: Path) -> None:
    """Vectors of a subject whose weights changed under its name are not taken for its own."""
    from safetensors.torch import load_file, save_file

    model = tmp_path / "model"
    shutil.copytree(world.model, model)
    settings = SEVERAL | {"subject": str(model), "widths": [8], "k": 2, "seeds": 0}
    assert "harvest" in trained(world, tmp_path, **settings)
    weights = next(model.glob("*.safetensors"))
    save_file({name: value * 1.01 for name, value in load_file(weights).items()}, weights, {"format": "pt"})
    with pytest.raises(ConfigError, match="subject_sha256 was"):
        trained(world, tmp_path, **settings)
    (tmp_path / "small").rename(tmp_path / "before")
    trained(world, tmp_path, **settings)
    assert len(list((tmp_path / "cache" / "vectors").iterdir())) == 2
