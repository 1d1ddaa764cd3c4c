"""A home with one small run, its snapshot, and the application over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_builders import Client, open_app, toy_home

from autointerp.dashboard.building import build_snapshot


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a run and its snapshot; tests only read it."""
    home = toy_home(tmp_path_factory.mktemp("home"))
    build_snapshot(home)
    return home


@pytest.fixture(scope="session")
def client(home: Path) -> Iterator[Client]:
    """Asks the application over the home."""
    with open_app(home) as client:
        yield client
