"""Fixtures of synthetic runs."""

import pytest
from report_builders import Builder, make_run


@pytest.fixture(scope="session")
def build() -> Builder:
    """The builder of synthetic runs."""
    return make_run
