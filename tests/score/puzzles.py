"""The 19 neuron puzzles of Bills et al. 2023 as evidence; they stand beside a checkout, not in it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autointerp.core.types import Evidence, Explanation, FeatureId, Labelled, Sample, Window

PLACES = [parent / "shared/fixtures/openai_puzzles/puzzles.json" for parent in Path(__file__).parents]
PATH = next((path for path in PLACES if path.exists()), None)


@dataclass(frozen=True)
class Puzzle:
    """A made-up neuron: its sentences as held-out windows, the true explanation and the false ones."""

    name: str
    evidence: Evidence
    true: str
    false: tuple[str, ...]

    def labelled(self, text: str) -> Labelled:
        return Labelled(Explanation(self.evidence.feature, text, "puzzle", "puzzle"))


def read_puzzles() -> list[Puzzle]:
    """Return the puzzles in the order of the file, which has to be there."""
    assert PATH is not None
    return [_puzzle(number, raw) for number, raw in enumerate(json.loads(PATH.read_text("utf-8")).values())]


def _puzzle(number: int, raw: dict) -> Puzzle:
    samples = tuple(_samples(raw["name"], raw["sentences"]))
    n_firing = sum(sample.window.is_firing for sample in samples)
    n_tokens = sum(len(sample.window.tokens) for sample in samples)
    n_fired = sum(activation > 0 for sample in samples for activation in sample.window.activations)
    evidence = Evidence(
        FeatureId("puzzles/19", number),
        density=n_fired / n_tokens,
        window_density=n_firing / len(samples),
        peak=10.0,
        shown=(),
        select=(),
        held_out=samples,
        n_available=n_firing,
    )
    return Puzzle(raw["name"], evidence, raw["explanation"], tuple(raw["false_explanations"]))


def _samples(name: str, sentences: list) -> Iterator[Sample]:
    """Yield a window a sentence; a token is text, or text with its activation, 0 to 10."""
    for number, sentence in enumerate(sentences):
        pairs = [(token, 0) if isinstance(token, str) else token for token in sentence]
        tokens, activations = zip(*pairs, strict=True)
        window = Window(f"{name}-{number}", 0, tuple(tokens), tuple(map(float, activations)))
        yield Sample(window, "top" if window.is_firing else "random", 1.0)
