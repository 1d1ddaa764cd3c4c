"""The state of a training cut short: written whole, tied to what decided it, refused to any other."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from autointerp.core.draws import content_key
from autointerp.core.errors import ConfigError, StoreError
from autointerp.subject.curve import Measures
from autointerp.subject.recipe import Recipe, recipe_fields

Decides = Mapping[str, str]
"""Everything that decides a training's weights, by name, each written as JSON."""

KEPT = 40
"""Characters of a value that an error shows; hashes differ well before."""


def deciding(recipe: Recipe, **more: Any) -> dict[str, str]:
    """Return what decides the weights: the recipe, and *more* by name (what text, of which subject, where)."""
    return {name: json.dumps(value, sort_keys=True) for name, value in (recipe_fields(recipe) | more).items()}


def deciding_key(decides: Decides) -> str:
    """Return the hash of what decides a training."""
    return content_key(*sorted(decides.items()))


def differences(was: Decides, now: Decides) -> list[str]:
    """Return a line for everything that is not as it was, in the order of the names.

    >>> differences({"k": "[32]", "site": '"residual.2"'}, {"k": "[64]", "site": '"residual.2"'})
    ['k was [32], is [64]']
    """
    names = sorted({*was, *now})
    return [
        f"{name} was {was.get(name, 'not set')[:KEPT]}, is {now.get(name, 'not set')[:KEPT]}"
        for name in names
        if was.get(name) != now.get(name)
    ]


def check_checkpoint(path: Path, decides: Decides) -> None:
    """Raise ConfigError when *path* holds another training's state; no file is no error, nor is one's own."""
    if path.exists():
        # Memory-mapped: only what decides is read here, not the gigabytes of weights.
        _check(path, _read(path, mmap=True), decides)


def save_checkpoint(path: Path, step: int, decides: Decides, trainers: Iterable[Any], measures: Measures) -> None:
    """Write the state after *step* steps, whole or not at all."""
    content = {
        "key": deciding_key(decides),
        "decides": dict(decides),
        "step": step,
        "members": [_state(trainer) for trainer in trainers],
        "measures": [torch.from_numpy(values) for values in measures.arrays],
    }
    temporary = path.with_suffix(".tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def load_checkpoint(path: Path, decides: Decides, trainers: Sequence[Any], measures: Measures) -> int:
    """Put trainers and measures in their stored state and return the step they stood at; 0 without a checkpoint.

    Raises:
        ConfigError: It belongs to another training.
        StoreError: It is damaged.
    """
    if not path.exists():
        return 0
    stored = _read(path)
    _check(path, stored, decides)
    for trainer, state in zip(trainers, stored["members"], strict=True):
        _restore(trainer, state, step=stored["step"])
    for values, kept in zip(measures.arrays, stored["measures"], strict=True):
        values[...] = kept.numpy()
    return int(stored["step"])


def _read(path: Path, *, mmap: bool = False) -> dict[str, Any]:
    try:
        content: dict[str, Any] = torch.load(path, weights_only=True, mmap=mmap, map_location="cpu")
    except Exception as error:
        msg = f"{path}: not a whole checkpoint ({type(error).__name__}); delete it to train from the beginning"
        raise StoreError(msg) from error
    return content


def _check(path: Path, stored: Mapping[str, Any], decides: Decides) -> None:
    if stored["key"] == deciding_key(decides):
        return
    changed = "; ".join(differences(stored["decides"], decides))
    msg = (
        f"{path}: a checkpoint from another training: {changed}. Go on with the configuration it was begun with, "
        "name another folder with --into, or delete the checkpoint to train from the beginning"
    )
    raise ConfigError(msg)


def _state(trainer: Any) -> dict[str, Any]:
    return {
        "sae": trainer.sae.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "schedule": trainer.lr_scheduler.state_dict(),
        "coefficients": {name: one.state_dict() for name, one in trainer.coefficient_schedulers.items()},
        "silent": trainer.n_forward_passes_since_fired,
    }


def _restore(trainer: Any, state: Mapping[str, Any], *, step: int) -> None:
    trainer.sae.load_state_dict(state["sae"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.lr_scheduler.load_state_dict(state["schedule"])
    for name, schedule in state["coefficients"].items():
        trainer.coefficient_schedulers[name].load_state_dict(schedule)
    trainer.n_forward_passes_since_fired = state["silent"].to(trainer.n_forward_passes_since_fired.device)
    trainer.n_training_steps = step
