"""sae-lens's training classes, one trainer a member of a ladder."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from autointerp.subject.recipe import Member, Recipe

SAE_LENS = {"relu": "standard", "matryoshka": "matryoshka_batchtopk"}
"""Names that are other in sae-lens than here."""

MATRYOSHKA_SHARES = (16, 8, 4, 2, 1)


class PartitionedBatchTopK(torch.nn.Module):
    """sae-lens's BatchTopK with the k-th value found, on a CPU, by partition instead of sorting.

    The same activations survive, up to ties at the k-th value; on a CPU the step takes a quarter less.
    """

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k

    def forward(self, hidden: Tensor) -> Tensor:
        """Return relu(hidden) with all but the k largest a row on average set to 0; [n_tokens, n_features]."""
        positive = hidden.relu()
        n_kept = int(self.k * hidden.shape[:-1].numel())
        if n_kept == 0:
            return torch.zeros_like(positive)
        return torch.where(positive >= max(_least_kept(positive.detach().flatten(), n_kept), 1e-30), positive, 0.0)


def _least_kept(values: Tensor, n_kept: int) -> float:
    """Return the least of the *n_kept* largest values."""
    if values.device.type != "cpu":
        return float(values.topk(n_kept, sorted=False).values.min())
    there = values.numpy()
    return float(np.partition(there, len(there) - n_kept)[len(there) - n_kept])


def new_trainer(
    recipe: Recipe, member: Member, *, d_model: int, n_steps: int, metadata: dict[str, Any], device: str = "cpu"
) -> Any:
    """Return a sae-lens trainer of one member, its first weights decided by its seed and width alone."""
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer

    config = SAETrainerConfig(
        total_training_samples=n_steps * recipe.batch,
        train_batch_size_samples=recipe.batch,
        lr=recipe.learning_rate,
        lr_end=recipe.learning_rate / 10,
        lr_warm_up_steps=n_steps // 20,
        lr_decay_steps=n_steps // 5,
        dead_feature_window=recipe.dead_after_steps,
        device=device,
        logger=LoggingConfig(log_to_wandb=False),
    )
    torch.manual_seed(member.seed * 1_000_003 + member.width)
    # Drawn on the CPU: another device draws other numbers from the same seed.
    sae = _new_sae(recipe, member, d_model=d_model, n_warm_up=n_steps // 20, metadata=metadata).to(device)
    return SAETrainer(cfg=config, sae=sae, data_provider=iter(()))


def _new_sae(recipe: Recipe, member: Member, *, d_model: int, n_warm_up: int, metadata: dict[str, Any]) -> Any:
    """Return an untrained sae-lens model."""
    from sae_lens.registry import get_sae_training_class
    from sae_lens.saes.sae import SAEMetadata

    kind, settings = get_sae_training_class(SAE_LENS.get(recipe.architecture, recipe.architecture))
    chosen = _settings(recipe, member, n_warm_up=n_warm_up)
    sae: Any = kind(
        settings(d_in=d_model, d_sae=member.width, dtype="float32", metadata=SAEMetadata(**metadata), **chosen)
    )
    if recipe.architecture in ("batchtopk", "matryoshka"):
        sae.activation_fn = PartitionedBatchTopK(member.sparsity)
    return sae


def _settings(recipe: Recipe, member: Member, *, n_warm_up: int) -> dict[str, Any]:
    """Return what the architecture's own configuration takes beside the sizes."""
    if recipe.axis != "k":
        return {recipe.axis: member.sparsity, recipe.axis.replace("coefficient", "warm_up_steps"): n_warm_up}
    if recipe.architecture == "topk":
        return {"k": int(member.sparsity)}
    nested = {"matryoshka_widths": nested_widths(member.width)} if recipe.architecture == "matryoshka" else {}
    return {"k": member.sparsity, **nested}


def nested_widths(width: int) -> list[int]:
    """Return the widths whose features must reconstruct alone: a sixteenth of all, an eighth, ..., all.

    Nested dictionaries are from Bussmann et al. 2025 (arXiv 2503.17547); how many and how wide is set here.

    >>> nested_widths(2048), nested_widths(12)
    ([128, 256, 512, 1024, 2048], [1, 3, 6, 12])
    """
    return sorted({width // share for share in MATRYOSHKA_SHARES} - {0})
