"""A ladder: dictionaries trained with sae-lens on the same batches of our activations, each read once for all."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autointerp.core.draws import generator
from autointerp.core.errors import ConfigError
from autointerp.subject.architectures import new_trainer
from autointerp.subject.checkpoint import deciding, load_checkpoint, save_checkpoint
from autointerp.subject.curve import CurvePoint, Measures, curve
from autointerp.subject.gather import OnProgress
from autointerp.subject.recipe import Member, Recipe

SHARDS_MIXED = 16
CHECKPOINT_STEPS = 100


@dataclass(frozen=True, slots=True)
class Trained:
    """The sae-lens models by member, in units of the site's vectors, and their losses against compute."""

    saes: dict[Member, Any]
    curve: tuple[CurvePoint, ...]


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


def train_members(
    paths: Sequence[Path],
    recipe: Recipe,
    *,
    metadata: Mapping[str, Any],
    checkpoint: Path,
    on_progress: OnProgress,
    decides: Mapping[str, Any] | None = None,
    device: str = "cpu",
) -> Trained:
    """Return the trained members; every batch is read once and shown to all of them.

    The whole state is written to *checkpoint* every ``CHECKPOINT_STEPS`` steps and read back from
    there, so that a run cut short goes on where it stood.

    Args:
        paths: The shards of site vectors, each [n, d_model].
        recipe: What is trained, and how.
        metadata: Kept with every member.
        checkpoint: Where the state is kept; another training's state there is refused.
        on_progress: Called with tokens done and in all.
        decides: What decides the vectors, by name; the recipe itself decides in any case.
        device: Where they are trained.

    Raises:
        ConfigError: The checkpoint is another training's, there is less than a batch, or a loss is no
            longer finite.
    """
    steps_an_epoch = n_vectors(paths) // recipe.batch
    if not steps_an_epoch:
        msg = f"batch = {recipe.batch:,} is more than the {n_vectors(paths):,} vectors there are; lower it"
        raise ConfigError(msg)
    n_steps = steps_an_epoch * recipe.epochs
    scaling = _scaling(paths[0], device)
    trainers = _new_trainers(scaling, recipe, n_steps=n_steps, metadata=metadata, device=device)
    measures = Measures.empty(len(trainers), n_steps)
    deciders = deciding(recipe, **(decides or {}))
    done = load_checkpoint(checkpoint, deciders, list(trainers.values()), measures)
    batches = mixed_batches(paths, batch=recipe.batch, epochs=recipe.epochs, seed=recipe.order_seed)
    for step, batch in enumerate(batches, 1):
        if step <= done:
            continue
        _step(trainers, batch.to(device), scaling.mean, measures, step)
        on_progress(step * recipe.batch, n_steps * recipe.batch)
        if step % CHECKPOINT_STEPS == 0:
            save_checkpoint(checkpoint, step, deciders, trainers.values(), measures)
    return _finished(trainers, measures, recipe)


@dataclass(frozen=True, slots=True)
class _Scaling:
    """Vectors are scaled for training, and the scale is folded back into the weights: mean norm sqrt(d_model).

    So one learning rate and one coefficient serve every site. ``mean``, shape [d_model], is scaled too.
    """

    factor: float
    mean: Tensor


def _scaling(first_shard: Path, device: str) -> _Scaling:
    first = np.load(first_shard).astype(np.float32)
    factor = float(np.sqrt(first.shape[1]) / np.linalg.norm(first, axis=1).mean())
    return _Scaling(factor, torch.from_numpy(first.mean(axis=0) * factor).to(device))


def _new_trainers(
    scaling: _Scaling, recipe: Recipe, *, n_steps: int, metadata: Mapping[str, Any], device: str
) -> dict[Member, Any]:
    """Return an untrained trainer for each member, its bias at the mean of the vectors."""
    trainers = {}
    for member in recipe.members:
        known = dict(metadata) | {"width": member.width, recipe.axis: member.sparsity, "seed": member.seed}
        trainer = new_trainer(recipe, member, d_model=len(scaling.mean), n_steps=n_steps, metadata=known, device=device)
        trainer.activation_scaler.scaling_factor = scaling.factor
        trainer.sae.b_dec.data[:] = scaling.mean
        trainers[member] = trainer
    return trainers


def _step(trainers: Mapping[Member, Any], batch: Tensor, mean: Tensor, measures: Measures, step: int) -> None:
    """Train every member on one batch and note what it made of the batch before its weights moved."""
    for number, (member, trainer) in enumerate(trainers.items()):
        output = trainer.step(batch)
        trainer.n_training_steps += 1
        error = float(output.losses["mse_loss"].detach()) * len(batch)
        if not isfinite(error):
            msg = f"{member}: the loss is no longer finite at step {step}; lower `learning_rate`"
            raise ConfigError(msg)
        measures.error[number, step - 1] = error
        measures.n_active[number, step - 1] = int(torch.count_nonzero(output.feature_acts))
        measures.variance[step - 1] = float((output.sae_in - mean).square().sum())


def _finished(trainers: Mapping[Member, Any], measures: Measures, recipe: Recipe) -> Trained:
    """Return the models with the scale folded back into their weights, and what the measures say of each."""
    points: list[CurvePoint] = []
    for number, (member, trainer) in enumerate(trainers.items()):
        trainer.sae.fold_activation_norm_scaling_factor(trainer.activation_scaler.scaling_factor)
        size = sum(parameter.numel() for parameter in trainer.sae.parameters())
        points += curve(member, measures, number, batch=recipe.batch, epochs=recipe.epochs, n_parameters=size)
    return Trained({member: trainer.sae for member, trainer in trainers.items()}, tuple(points))


def save_member(sae: Any, folder: Path) -> None:
    """Write cfg.json and float16 safetensors in SAE-Lens format."""
    from safetensors.torch import load_file, save_file

    weights, config = sae.save_inference_model(folder)
    save_file({name: tensor.half().contiguous() for name, tensor in load_file(weights).items()}, weights)
    text = json.loads(Path(config).read_text("utf-8"))
    text["dtype"] = "float32"  # what it computes in; the file is float16 to be small
    text["device"] = "cpu"  # wherever it was trained
    Path(config).write_text(json.dumps(text, indent=1, sort_keys=True) + "\n", "utf-8")
