"""The configuration file: one TOML, every key checked, the nearest name offered for a wrong one."""

import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import AliasChoices, BaseModel, Field, ValidationError, field_validator, model_validator

from autointerp.core.draws import content_key
from autointerp.core.errors import ConfigError
from autointerp.core.types import SIDES, FeatureId
from autointerp.pipeline.ladder_config import TrainConfig
from autointerp.pipeline.sections import (
    BaselineSection,
    EvidenceSection,
    ExplainSection,
    ScoreSection,
    check_names,
    nearest,
)
from autointerp.pipeline.terms import (
    UNDECISIVE,
    AnchorsSection,
    BudgetSection,
    EngineSection,
    HttpSection,
    RepeatsSection,
    Section,
)
from autointerp.pipeline.watch_config import GateSection
from autointerp.trust.zoo import RUNGS

RIGHT = ("exact", "paraphrase")


class HarvestSection(Section):
    """How much text is read, and what is kept of it.

    ``shard_contexts`` contexts of 128 tokens are read at a time. Of every feature are kept: by side, ``n_top``
    tiles with the highest peaks and ``n_stratum`` of each quarter octave, and ``n_firings`` firing tokens. Of
    ``pool_contexts`` contexts all activations are kept: random and silent windows are drawn there. With
    ``keep = "all"`` every activation is kept besides, sorted by feature.

    ``near_duplicate``: documents whose word 5-grams resemble each other at least so much (Jaccard) share a
    side; at 1 only those of the same words.
    """

    n_tokens: int = Field(default=1_000_000, ge=128)
    max_tokens_per_document: int = Field(default=4096, ge=32)
    shard_contexts: int = Field(default=64, ge=1)
    pool_contexts: int = Field(default=2048, ge=1)
    n_top: int = Field(default=16, ge=1)
    n_stratum: int = Field(default=16, ge=1)
    n_firings: int = Field(default=2048, ge=1)
    keep: Literal["samples", "all"] = "samples"
    near_duplicate: float = Field(default=0.8, gt=0, le=1)


class FeaturesSection(Section):
    """Which features are labelled: a keyed draw among those with enough firing tiles, or those named in ``only``.

    ``chunk`` of them are explained and scored at a time: a part file each, and what is lost when a run is killed.
    """

    n_per_dictionary: int = Field(default=100, ge=1)
    only: tuple[str, ...] = ()
    min_held_out: int = Field(default=20, ge=1)
    min_shown: int = Field(default=5, ge=1)
    chunk: int = Field(default=256, ge=1)

    @field_validator("only")
    @classmethod
    def _are_features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            FeatureId.parse(name)
        return names


class CertifySection(Section):
    """How the judge is tested on features whose truth is known. 0 features: no certificate, scores stay uncertified.

    ``rungs``: the labels of each that are tested, from ``trust.zoo.RUNGS``: the exact one and wrong ones.
    """

    n_features: int = Field(default=20, ge=0)
    n_items: int = Field(default=40, ge=4)
    rungs: tuple[str, ...] = ("exact", "too_broad", "too_narrow", "shuffled", "blank")

    @field_validator("rungs")
    @classmethod
    def _can_be_ranked(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        check_names(names, RUNGS, "rung")
        if "exact" not in names or not set(names) - set(RIGHT):
            worse = ", ".join(name for name in RUNGS if name not in RIGHT)
            msg = f"a judge is tested on the exact label beside worse ones; name 'exact' and some of {worse}"
            raise ValueError(msg)
        return names


class LocalSection(Section):
    """How an in-process judge or explainer runs."""

    dtype: str = "float32"
    batch_tokens: int = Field(default=8192, ge=256)


NEEDED = {
    "sort": "n_others or n_siblings, with shown_rival = 3 or more and held_out_rival,",
    "contrast": "shown_silent, shown_same_token or shown_near",
    "best_of": "select_firing and select_silent",
    "revise": "select_firing and select_silent",
}


class Config(Section):
    """One run. ``shuffle_weights``: of the subject with its weights shuffled, see ``subject.shuffled``."""

    name: str = Field(default="run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = 0
    subject: str
    site: str = ""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str = "cpu"
    shuffle_weights: bool = False
    dictionaries: tuple[str, ...] = ()
    baselines: tuple[BaselineSection, ...] = ()
    corpus: tuple[str, ...] = Field(min_length=1)
    harvest: HarvestSection = HarvestSection()
    features: FeaturesSection = FeaturesSection()
    evidence: EvidenceSection = EvidenceSection()
    explain: ExplainSection = ExplainSection()
    score: ScoreSection = ScoreSection()
    certify: CertifySection = CertifySection()
    local: LocalSection = LocalSection()
    openai: HttpSection = Field(default=HttpSection(), validation_alias=AliasChoices("openai", "http"))
    anthropic: HttpSection = HttpSection()
    budget: BudgetSection = BudgetSection()
    engine: EngineSection = EngineSection()
    anchors: AnchorsSection = AnchorsSection()
    repeats: RepeatsSection = RepeatsSection()
    gate: GateSection = GateSection()

    @property
    def decisive(self) -> str:
        """Every setting that decides what a run finds, as JSON; its ceiling and its pace are not among them."""
        return self.model_dump_json(exclude=UNDECISIVE)

    @property
    def sources(self) -> tuple[str, ...]:
        """All text that decides what is found: the corpus, and what probes learn from."""
        return (*self.corpus, *(source for baseline in self.baselines for source in baseline.sources))

    @model_validator(mode="after")
    def _has_dictionaries(self) -> "Config":
        if not self.dictionaries and not self.baselines:
            msg = "nothing to label: name `dictionaries` or add [[baselines]]"
            raise ValueError(msg)
        if not self.dictionaries and any(baseline.density is None for baseline in self.baselines):
            msg = "without `dictionaries` there is no density to match; set `density` of every baseline"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _is_sampled(self) -> "Config":
        """Refuse a scorer or explainer whose windows nobody draws: it would come to nothing for every feature."""
        sampled = self.evidence
        needs = {
            "sort": (self.score.scorers, sampled.n_rivals and sampled.shown_rival and sampled.held_out_rival),
            "contrast": (self.explain.explainers, sampled.n_shown_silent),
            "best_of": (self.explain.explainers, sampled.select_firing and sampled.select_silent),
            "revise": (self.explain.explainers, sampled.select_firing and sampled.select_silent),
        }
        self._is_kept()
        for name, (named, is_met) in needs.items():
            if name in named and not is_met:
                msg = f"{name!r} needs windows that are not drawn; set {NEEDED[name]} under [evidence]"
                raise ValueError(msg)
        return self

    def _is_kept(self) -> None:
        """Refuse to draw more windows of a kind than a harvest keeps of a feature."""
        for frame, kept in (("top", "n_top"), ("firing", "n_stratum")):
            for side in SIDES:
                wanted = getattr(self.evidence, f"{side}_{frame}", 0)
                if wanted > getattr(self.harvest, kept):
                    there = getattr(self.harvest, kept)
                    msg = f"evidence.{side}_{frame} = {wanted}, but harvest.{kept} = {there} are kept; raise it"
                    raise ValueError(msg)

    @property
    def key(self) -> str:
        """Hash of every decisive setting: runs of one name and two keys stand in two folders."""
        return content_key(self.decisive, length=8)

    def shared_among(self, n: int) -> "Config":
        """Return the configuration of each of *n* workers: the same, with its share of every provider's limits."""
        limits = {"openai": self.openai.shared_among(n), "anthropic": self.anthropic.shared_among(n)}
        return self.model_copy(update=limits)

    def within(self, *, usd: float | None, tokens: int | None) -> "Config":
        """Return the configuration with another ceiling; None leaves what the file says. Raises ConfigError."""
        given = {name: limit for name, limit in (("usd", usd), ("tokens", tokens)) if limit is not None}
        if not given:
            return self
        try:
            ceiling = BudgetSection.model_validate(self.budget.model_dump() | given)
        except ValidationError as error:
            raise ConfigError(_explain(error, BudgetSection, "--budget")) from None
        return self.model_copy(update={"budget": ceiling})


def _known_keys(model: type[BaseModel], place: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the keys allowed where an unknown one stood."""
    for step in place[:-1]:
        if isinstance(step, int):  # which one of several tables of one kind
            continue
        annotation = model.model_fields[step].annotation
        annotation = next(iter(get_args(annotation)), annotation)
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        model = annotation
    return tuple(model.model_fields)


def _explain(error: ValidationError, model: type[BaseModel], source: str) -> str:
    """Return one line a problem: where it is, what is wrong, what would be right."""
    lines = []
    for problem in error.errors():
        place = ".".join(str(step) for step in problem["loc"])
        if problem["type"] == "extra_forbidden":
            hint = nearest(str(problem["loc"][-1]), _known_keys(model, problem["loc"]))
            lines.append(f"{source}: unknown key {place!r}; {hint}")
        else:
            lines.append(": ".join(filter(None, [source, place, problem["msg"].removeprefix("Value error, ")])))
    return "\n".join(lines)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the file's content. Raises ConfigError when it is absent or not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        msg = f"{path}: no such file; write one with `autointerp init`"
        raise ConfigError(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: not valid TOML: {error}"
        raise ConfigError(msg) from None


def parse_config(content: dict[str, Any], *, source: str) -> Config:
    """Return the checked configuration. Raises ConfigError, one line a problem."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_explain(error, Config, source)) from None


S = TypeVar("S", bound=BaseModel)


def parse_as(model: type[S], content: dict[str, Any], *, source: str) -> S:
    """Return the content of another file of ours, checked. Raises ConfigError, one line a problem."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_explain(error, model, source)) from None


def gate_rules(path: Path) -> GateSection:
    """Return the table ``[gate]`` of a file, all other tables unread. Raises ConfigError, one line a problem."""
    return parse_as(GateSection, read_toml(path).get("gate", {}), source=f"{path}: gate")


def parse_train_config(content: dict[str, Any], *, source: str) -> TrainConfig:
    """Return the checked configuration of a ladder. Raises ConfigError, one line a problem."""
    try:
        return TrainConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_explain(error, TrainConfig, source)) from None
