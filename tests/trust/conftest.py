"""The shipped zoo, planted in a small made-up corpus."""

from pathlib import Path

import pytest

from autointerp.core.types import Window
from autointerp.trust.templates import split_text
from autointerp.trust.zoo import ZooFeature, read_zoo

TEXT = (
    "In 1905 the mayor of the town (a baker) walked to Vienna with his sister and a dog. "
    "No boat had crossed the lake since July, but the King of Norway never asked why. "
    "A red door stood open on Monday, and 12 children sang in the garden.\n"
    "import os\ndef area(size):\n    return [size * 2]\n"
)


@pytest.fixture(scope="session")
def zoo_texts() -> list[str]:
    """The JSON texts under data/zoo, as the pipeline passes them down."""
    return [path.read_text() for path in sorted((Path(__file__).parents[2] / "data" / "zoo").rglob("*.json"))]


@pytest.fixture(scope="session")
def zoo(zoo_texts: list[str]) -> tuple[ZooFeature, ...]:
    """The shipped features."""
    return read_zoo(zoo_texts)


@pytest.fixture(scope="session")
def tiles() -> list[Window]:
    """Forty documents of three tiles, turned so that each begins elsewhere in the text."""
    tokens = split_text(TEXT) * 3
    return [
        Window(f"doc{doc}", start, tokens[7 * doc % 60 :][start : start + 32], (0.0,) * 32)
        for doc in range(40)
        for start in (0, 32, 64)
    ]


@pytest.fixture(scope="session")
def one_of_each_kind(zoo: tuple[ZooFeature, ...]) -> tuple[ZooFeature, ...]:
    """The first feature of each kind: what takes time is tested on these."""
    return tuple({feature.kind: feature for feature in reversed(zoo)}.values())
