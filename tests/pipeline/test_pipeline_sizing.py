"""The demo's size: chosen once, noted, and different only in how much is read and asked."""

from pathlib import Path

import pytest

from autointerp.core.errors import ConfigError
from autointerp.pipeline import sizing
from autointerp.pipeline.driver import load_config
from autointerp.pipeline.sizing import SMALL, demo_config


def test_the_full_size_is_the_file_as_it_stands(tmp_path: Path) -> None:
    """The full demo is what ``init`` writes and ``data/demo.toml`` says; nothing is noted in the home."""
    config, words = demo_config("full", tmp_path)
    assert config == load_config(None)
    assert "full" in words
    assert not list(tmp_path.iterdir())


def test_the_small_size_changes_what_it_says_alone(tmp_path: Path) -> None:
    """Of the smaller one only the named settings differ, each to less."""
    full, small = demo_config("full", tmp_path)[0].model_dump(), demo_config("small", tmp_path)[0].model_dump()
    changed = {
        (section, name)
        for section, content in full.items()
        if isinstance(content, dict)
        for name in content
        if content[name] != small[section][name]
    }
    assert changed == {(section, name) for section, content in SMALL.items() for name in content}
    assert all(small[section][name] < full[section][name] for section, name in changed)
    assert {k: v for k, v in full.items() if k not in SMALL} == {k: v for k, v in small.items() if k not in SMALL}


@pytest.mark.parametrize(("speed", "n_tokens"), [(174.0, 40_000), (175.0, 80_000)])
def test_the_machine_decides_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speed: float, n_tokens: int) -> None:
    """A slow machine gets the small size; measured otherwise later, the same home goes on with its size."""
    monkeypatch.setattr(sizing, "product_speed", lambda: speed)
    home = tmp_path / "new"
    config, words = demo_config("auto", home)
    assert config.harvest.n_tokens == n_tokens
    assert f"{speed:.0f} GFLOPS" in words
    monkeypatch.setattr(sizing, "product_speed", lambda: 349.0 - speed)
    assert demo_config("auto", home) == (config, words)


def test_a_note_that_is_no_size_is_an_error(tmp_path: Path) -> None:
    """Whoever wrote nonsense into the note is told where it stands and what it may say."""
    (tmp_path / "demo-size").write_text("huge\n")
    with pytest.raises(ConfigError, match=r"demo-size.*'huge'.*full or small"):
        demo_config("auto", tmp_path)


def test_products_are_measured() -> None:
    """The measured speed is a positive number."""
    assert sizing.product_speed() > 0
