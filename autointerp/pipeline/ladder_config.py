"""The configuration of a ladder: what is trained, on what text, and which settings of sparsity go together."""

from math import inf
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from autointerp.pipeline.terms import Section
from autointerp.subject.recipe import AXES, Architecture, Recipe

DEFAULT_K = (32.0,)
WHAT_IT_IS = {
    "k": "features active on a token",
    "l1_coefficient": "weight of the activations' sum in the loss",
    "l0_coefficient": "weight of the number of active features in the loss",
}


class TrainConfig(Section):
    """A ladder to train on ``n_tokens`` tokens of text: a dictionary for every width, sparsity and seed.

    Sparsity is ``k``, ``l1_coefficient`` or ``l0_coefficient``, whichever the architecture has; a number
    stands for a list of one. ``seeds``: of the dictionaries' first weights; ``seed`` decides the text and its order.
    ``shuffle_weights``: on the subject with its weights shuffled, a control (see ``subject.shuffled``).
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = 0
    subject: str
    site: str
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str = "cpu"
    corpus: tuple[str, ...] = Field(min_length=1)
    fraction_trained: float = Field(default=0.8, gt=0, lt=1)
    n_tokens: int = Field(default=3_000_000, ge=4096)
    n_evaluation_contexts: int = Field(default=256, ge=1)
    n_cross_entropy_contexts: int = Field(default=128, ge=1)
    architecture: Architecture = "batchtopk"
    widths: tuple[int, ...] = (512, 1024, 2048, 4096)
    k: tuple[float, ...] = ()
    l1_coefficient: tuple[float, ...] = ()
    l0_coefficient: tuple[float, ...] = ()
    seeds: tuple[int, ...] = (0,)
    batch: int = Field(default=2048, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    epochs: int = Field(default=1, ge=1)
    shuffle_weights: bool = False

    @field_validator("widths", "k", "l1_coefficient", "l0_coefficient", "seeds", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: object) -> object:
        return value if isinstance(value, list | tuple) else [value]

    @field_validator("widths", "k", "l1_coefficient", "l0_coefficient", "seeds")
    @classmethod
    def _are_several(cls, values: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        if len({f"{value:g}" for value in values}) < len(values):
            msg = "two members of the ladder would have one name; give each value once"
            raise ValueError(msg)
        if info.field_name != "seeds" and not all(0 < value < inf for value in values):
            msg = "must be finite and greater than 0"
            raise ValueError(msg)
        if not values:
            msg = "an empty list trains nothing; give one value at least"
            raise ValueError(msg)
        return values

    @model_validator(mode="after")
    def _sparsity_fits(self) -> "TrainConfig":
        axis = AXES[self.architecture]
        foreign = sorted(name for name in {*AXES.values()} - {axis} if getattr(self, name))
        example = "k = 32" if axis == "k" else f"{axis} = [1.0, 5.0]"
        if foreign:
            msg = f"{self.architecture!r} has no {foreign[0]}; write {example} ({WHAT_IT_IS[axis]}) in its place"
            raise ValueError(msg)
        if axis != "k" and not self.sparsities:
            msg = f"{self.architecture!r} needs {axis} ({WHAT_IT_IS[axis]}); write {example}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _k_fits(self) -> "TrainConfig":
        if AXES[self.architecture] != "k":
            return self
        if max(self.sparsities) > min(self.widths):
            msg = (
                f"k = {max(self.sparsities):g} features cannot be active of {min(self.widths)}; lower k or raise widths"
            )
            raise ValueError(msg)
        if self.architecture == "topk" and any(k != int(k) for k in self.sparsities):
            msg = "'topk' keeps a whole number of features on every token; write k = 32, or take 'batchtopk'"
            raise ValueError(msg)
        return self

    @property
    def sparsities(self) -> tuple[float, ...]:
        """The values of the architecture's own setting of sparsity."""
        axis = AXES[self.architecture]
        values: tuple[float, ...] = getattr(self, axis)
        return values or (DEFAULT_K if axis == "k" else ())

    @property
    def recipe(self) -> Recipe:
        return Recipe(
            architecture=self.architecture,
            widths=self.widths,
            sparsities=self.sparsities,
            seeds=self.seeds,
            batch=self.batch,
            learning_rate=self.learning_rate,
            epochs=self.epochs,
            order_seed=self.seed,
        )
