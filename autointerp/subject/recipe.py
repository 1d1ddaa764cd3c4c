"""What decides how a ladder is trained, and what its members are called; free of torch, so that a file is read fast."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Literal

Architecture = Literal["batchtopk", "topk", "matryoshka", "relu", "gated", "jumprelu"]

AXES: Mapping[str, str] = {
    "batchtopk": "k",
    "topk": "k",
    "matryoshka": "k",
    "relu": "l1_coefficient",
    "gated": "l1_coefficient",
    "jumprelu": "l0_coefficient",
}
"""What sets the sparsity of each architecture, under sae-lens's name for it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One dictionary of a ladder. ``sparsity``: k or the coefficient of the loss; ``seed``: of its first weights."""

    width: int
    sparsity: float
    seed: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the members of a ladder are trained: one for every width, sparsity and seed.

    BatchTopK (Bussmann et al. 2024) and its Matryoshka (Bussmann et al. 2025) are saved as JumpReLU.
    ``sparsities``: values of ``axis``; k is the mean number of features active on a token. ``batch``:
    tokens a step. The learning rate warms up over 5% of the steps, as does a coefficient, and falls to 0
    over the last 20%. ``dead_after_steps``: features of the k architectures silent for longer are revived by
    their auxiliary loss. ``order_seed`` mixes the batches, alike for all members: two members of
    different seeds see the same text in the same order.
    """

    architecture: Architecture = "batchtopk"
    widths: tuple[int, ...] = (512, 1024, 2048, 4096)
    sparsities: tuple[float, ...] = (32.0,)
    seeds: tuple[int, ...] = (0,)
    batch: int = 2048
    learning_rate: float = 1e-3
    epochs: int = 1
    dead_after_steps: int = 150
    order_seed: int = 0

    @property
    def axis(self) -> str:
        return AXES[self.architecture]

    @property
    def members(self) -> tuple[Member, ...]:
        """Every width of one sparsity and seed, then of the next."""
        return tuple(Member(w, s, n) for s, n, w in product(self.sparsities, self.seeds, self.widths))

    def tag(self, member: Member) -> str:
        """Return what tells this member from others of its width, empty where the ladder has one of a width.

        >>> recipe = Recipe(sparsities=(32.0, 64.0), seeds=(0, 1))
        >>> recipe.tag(Member(2048, 64.0, 1)), Recipe().tag(Member(2048, 32.0, 0))
        ('-k64-s1', '')
        """
        sparsity = f"-{'k' if self.axis == 'k' else 'c'}{member.sparsity:g}"
        return (sparsity if len(self.sparsities) > 1 else "") + (f"-s{member.seed}" if len(self.seeds) > 1 else "")

    def name(self, ladder: str, member: Member) -> str:
        """Return ``family/width``: members that differ in more than width are of different families."""
        return f"{ladder}{self.tag(member)}/{member.width}"

    def folder(self, member: Member) -> str:
        """Return the name of the member's folder within the ladder's."""
        return f"{member.width}{self.tag(member)}"


def recipe_fields(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as plain values, its sparsities under the name of their axis."""
    fields = asdict(recipe)
    return {recipe.axis if name == "sparsities" else name: value for name, value in fields.items()}
