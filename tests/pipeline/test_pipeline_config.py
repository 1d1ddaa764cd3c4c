"""The configuration file: a wrong key or name is an error that offers the right one."""

from pathlib import Path

import pytest
from tiny_world import World, write_toml

from autointerp.core.errors import ConfigError
from autointerp.pipeline.config import parse_config, parse_train_config, read_toml

CONTENT = {"subject": "s", "site": "residual.1", "dictionaries": ["d"], "corpus": ["text:x"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sede": 1}, "unknown key 'sede'; did you mean 'seed'"),
        ({"harvest": {"n_token": 500}}, "unknown key 'harvest.n_token'; did you mean 'n_tokens'"),
        ({"score": {"scorers": ["detektion"]}}, "no scorer named 'detektion'; did you mean 'detection'"),
        ({"explain": {"explainers": ["lexcal"]}}, "no explainer named 'lexcal'; did you mean 'lexical'"),
        (
            {"score": {"sequential_bad": 0.9}},
            "score.sequential_good: sequential_bad = 0.9 has to be below sequential_good",
        ),
        ({"score": {"sequential_alpha": 0}}, "score.sequential_alpha: "),
        ({"zzz": 1}, "unknown key 'zzz'; known: name, seed"),
        ({"corpus": []}, "corpus: "),
        ({"dtype": "int8"}, "dtype: "),
        ({"harvest": {"n_tokens": "many"}}, "harvest.n_tokens: "),
        ({"harvest": 3}, "harvest: "),
        ({"certify": {"rungs": ["exact", "to_broad"]}}, "no rung named 'to_broad'; did you mean 'too_broad'"),
        ({"certify": {"rungs": ["exact", "paraphrase"]}}, "certify.rungs: "),
        ({"certify": {"rungs": ["too_broad", "blank"]}}, "name 'exact'"),
        ({"name": "../up"}, "name: "),
        (
            {"features": {"only": ["tiny/16"]}},
            "features.only: 'tiny/16' is not a feature; write it as family/width#index",
        ),
    ],
)
def test_wrong_settings(changes: dict[str, object], message: str) -> None:
    """Each is one line that begins with the file and names the key."""
    with pytest.raises(ConfigError) as caught:
        parse_config(CONTENT | changes, source="a.toml")
    assert str(caught.value).startswith("a.toml: ")
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_all_problems_are_told_at_once() -> None:
    """Two mistakes are two lines."""
    with pytest.raises(ConfigError) as caught:
        parse_config(CONTENT | {"sede": 1, "score": {"at_onec": 1}}, source="a.toml")
    assert len(str(caught.value).splitlines()) == 2


def test_ladder_configuration_is_checked_too() -> None:
    """``train`` reads its file with the same care."""
    with pytest.raises(ConfigError, match="did you mean 'widths'"):
        parse_train_config({"name": "l", "subject": "s", "site": "x", "corpus": ["c"], "width": [1]}, source="l.toml")


LADDER = {"name": "l", "subject": "s", "site": "residual.2", "corpus": ["c"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "relu", "k": 32}, "'relu' has no k; write l1_coefficient = [1.0, 5.0]"),
        ({"architecture": "jumprelu", "l1_coefficient": 5}, "'jumprelu' has no l1_coefficient; write l0_coefficient"),
        ({"l1_coefficient": 5}, "'batchtopk' has no l1_coefficient; write k = 32"),
        ({"architecture": "gated"}, "'gated' needs l1_coefficient"),
        ({"architecture": "topk", "k": 2.5}, "write k = 32, or take 'batchtopk'"),
        ({"architecture": "tpk"}, "architecture: Input should be 'batchtopk'"),
        ({"k": [32, 600]}, "k = 600 features cannot be active of 512"),
        ({"k": float("nan")}, "k: must be finite and greater than 0"),
        ({"k": []}, "k: an empty list trains nothing"),
        ({"widths": [0]}, "widths: must be finite and greater than 0"),
        ({"seeds": [1, 1]}, "seeds: two members of the ladder would have one name"),
        ({"k": [1.0000001, 1.0000002]}, "k: two members of the ladder would have one name"),
    ],
)
def test_wrong_ladders(changes: dict[str, object], message: str) -> None:
    """What does not go together is one line that says what to write."""
    with pytest.raises(ConfigError) as caught:
        parse_train_config(LADDER | changes, source="l.toml")
    assert str(caught.value).startswith("l.toml: ")
    assert message in str(caught.value)


def test_a_number_is_a_list_of_one() -> None:
    """``k = 64`` and ``k = [64]`` train the same, and so do k left out and 32."""
    recipes = [parse_train_config(LADDER | c, source="l").recipe for c in ({"k": 64}, {"k": [64.0]}, {}, {"k": 32})]
    assert recipes[0] == recipes[1] != recipes[2] == recipes[3]


def test_absent_and_broken_files(tmp_path: Path) -> None:
    """No file, no TOML and no UTF-8 are errors that name the file."""
    with pytest.raises(ConfigError, match=r"none\.toml: no such file; write one with `autointerp init`"):
        read_toml(tmp_path / "none.toml")
    for name, content in (("a.toml", b"name = "), ("b.toml", b"name = '\xff'")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigError, match=f"{name}: not valid TOML"):
            read_toml(tmp_path / name)


def test_key_follows_every_setting(world: World, tmp_path: Path) -> None:
    """Any change gives another key, the same settings the same key, also by way of a file."""
    one = world.config()
    assert parse_config(read_toml(write_toml(tmp_path / "c.toml", world.content())), source="c").key == one.key
    changed = [world.config(seed=1), world.config(score={"n_top": 3}), world.config(harvest={"n_tokens": 999})]
    assert len({one.key, *(c.key for c in changed)}) == 4
