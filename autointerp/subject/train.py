"""A ladder: dictionaries of several widths trained with sae-lens on the same batches of our activations."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autointerp.core.draws import generator
from autointerp.subject.gather import OnProgress

SHARDS_MIXED = 16
CHECKPOINT_STEPS = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the members of a ladder are trained: BatchTopK (Bussmann et al. 2024), saved as JumpReLU.

    ``k``: mean number of features active on a token. ``batch``: tokens a step. The learning rate warms
    up over 5% of the steps and falls to 0 over the last 20%.
    """

    widths: tuple[int, ...] = (512, 1024, 2048, 4096)
    k: float = 32.0
    batch: int = 2048
    learning_rate: float = 1e-3
    epochs: int = 1
    dead_after_steps: int = 150
    seed: int = 0


class PartitionedBatchTopK(torch.nn.Module):
    """sae-lens's BatchTopK with the k-th value found by partition instead of sorting.

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
        values = positive.detach().flatten().numpy()
        threshold = float(np.partition(values, len(values) - n_kept)[len(values) - n_kept])
        return torch.where(positive >= max(threshold, 1e-30), positive, 0.0)


def mixed_batches(paths: Sequence[Path], *, batch: int, epochs: int, seed: int) -> Iterator[Tensor]:
    """Yield float32 batches [batch, d_model]; tokens are mixed within groups of 16 shards.

    The shards hold contexts in a keyed order already, so a group is a fair sample of the corpus and
    memory holds one group whatever the corpus's size.
    """
    for epoch in range(epochs):
        left = np.empty((0, 0), np.float16)
        for group in range(0, len(paths), SHARDS_MIXED):
            parts = [np.load(path) for path in paths[group : group + SHARDS_MIXED]]
            vectors = np.concatenate([left, *parts] if left.size else parts)
            vectors = vectors[generator(seed, "mix", epoch, group).permutation(len(vectors))]
            whole = len(vectors) - len(vectors) % batch
            for start in range(0, whole, batch):
                yield torch.from_numpy(vectors[start : start + batch].astype(np.float32))
            left = vectors[whole:]


def n_vectors(paths: Sequence[Path]) -> int:
    """Return how many site vectors the shards hold."""
    return sum(len(np.load(path, mmap_mode="r")) for path in paths)


def _member(recipe: Recipe, *, width: int, d_model: int, n_steps: int, metadata: dict[str, Any]) -> Any:
    """Return a sae-lens trainer of one width."""
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.saes.sae import SAEMetadata
    from sae_lens.training.sae_trainer import SAETrainer

    torch.manual_seed(recipe.seed * 1_000_003 + width)
    config = BatchTopKTrainingSAEConfig(
        d_in=d_model, d_sae=width, k=recipe.k, dtype="float32", metadata=SAEMetadata(**metadata)
    )
    trainer_config = SAETrainerConfig(
        total_training_samples=n_steps * recipe.batch,
        train_batch_size_samples=recipe.batch,
        lr=recipe.learning_rate,
        lr_end=recipe.learning_rate / 10,
        lr_warm_up_steps=n_steps // 20,
        lr_decay_steps=n_steps // 5,
        dead_feature_window=recipe.dead_after_steps,
        logger=LoggingConfig(log_to_wandb=False),
    )
    sae = BatchTopKTrainingSAE(config)
    sae.activation_fn = PartitionedBatchTopK(recipe.k)
    return SAETrainer(cfg=trainer_config, sae=sae, data_provider=iter(()))


def train_members(
    paths: Sequence[Path], recipe: Recipe, *, metadata: dict[str, Any], checkpoint: Path, on_progress: OnProgress
) -> dict[int, Any]:
    """Return the trained sae-lens models by width; every batch is shown to all of them.

    The whole state is written to *checkpoint* every ``CHECKPOINT_STEPS`` steps and read back from
    there, so that a run cut short goes on where it stood.
    """
    first = np.load(paths[0]).astype(np.float32)
    n_steps = recipe.epochs * n_vectors(paths) // recipe.batch
    # Vectors are scaled to a mean norm of sqrt(d_model) for training and the scale is folded back
    # into the weights, so that one learning rate serves every site.
    scale = float(np.sqrt(first.shape[1]) / np.linalg.norm(first, axis=1).mean())
    members = {
        width: _member(
            recipe, width=width, d_model=first.shape[1], n_steps=n_steps, metadata=metadata | {"width": width}
        )
        for width in recipe.widths
    }
    for trainer in members.values():
        trainer.activation_scaler.scaling_factor = scale
        trainer.sae.b_dec.data[:] = torch.from_numpy(first.mean(axis=0) * scale)
    done = _load_checkpoint(members, checkpoint)
    for step, batch in enumerate(mixed_batches(paths, batch=recipe.batch, epochs=recipe.epochs, seed=recipe.seed), 1):
        if step <= done:
            continue
        for trainer in members.values():
            trainer.step(batch)
            trainer.n_training_steps += 1
        on_progress(step * recipe.batch, n_steps * recipe.batch)
        if step % CHECKPOINT_STEPS == 0:
            _save_checkpoint(members, checkpoint, step)
    for trainer in members.values():
        trainer.sae.fold_activation_norm_scaling_factor(scale)
    return {width: trainer.sae for width, trainer in members.items()}


def _save_checkpoint(members: dict[int, Any], path: Path, step: int) -> None:
    """Write the state of every member, whole or not at all."""
    state = {
        width: {
            "sae": trainer.sae.state_dict(),
            "optimizer": trainer.optimizer.state_dict(),
            "schedule": trainer.lr_scheduler.state_dict(),
            "silent": trainer.n_forward_passes_since_fired,
        }
        for width, trainer in members.items()
    }
    temporary = path.with_suffix(".tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"step": step, "members": state}, temporary)
    temporary.rename(path)


def _load_checkpoint(members: dict[int, Any], path: Path) -> int:
    """Put every member in its stored state and return the step it stood at; 0 without a checkpoint."""
    if not path.exists():
        return 0
    stored = torch.load(path, weights_only=True)
    for width, trainer in members.items():
        state = stored["members"][width]
        trainer.sae.load_state_dict(state["sae"])
        trainer.optimizer.load_state_dict(state["optimizer"])
        trainer.lr_scheduler.load_state_dict(state["schedule"])
        trainer.n_forward_passes_since_fired = state["silent"]
        trainer.n_training_steps = stored["step"]
    return int(stored["step"])


def save_member(sae: Any, folder: Path) -> None:
    """Write cfg.json and float16 safetensors in SAE-Lens format."""
    from safetensors.torch import load_file, save_file

    weights, config = sae.save_inference_model(folder)
    save_file({name: tensor.half().contiguous() for name, tensor in load_file(weights).items()}, weights)
    text = json.loads(Path(config).read_text("utf-8"))
    text["dtype"] = "float32"  # what it computes in; the file is float16 to be small
    Path(config).write_text(json.dumps(text, indent=1, sort_keys=True) + "\n", "utf-8")


def recipe_fields(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as plain values for a manifest."""
    return asdict(recipe) | {"architecture": "BatchTopK, saved as JumpReLU", "optimiser": "Adam (0.9, 0.999)"}
