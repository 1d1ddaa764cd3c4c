"""Tiny models of many architectures with random weights, and the arithmetic of their layers done by hand."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from autointerp.subject.model import Subject

D, HIDDEN, LAYERS, VOCABULARY = 16, 24, 3, 50


@dataclass(frozen=True)
class Architecture:
    """Names in a layer: of the attention's and MLP's last projections, the norm before the MLP and those behind."""

    output: str
    down: str
    mlp_norm: str | None
    attention_after: str | None = None
    mlp_after: str | None = None
    is_parallel: bool = False
    is_centred: bool = False
    gain_plus: float = 0.0
    layers: str = "model.layers"
    scale: float = 1.0


@dataclass(frozen=True)
class NumberTokens:
    """A vocabulary of *n* numbers: as much of a tokenizer as a subject needs that is given token ids."""

    n: int
    bos_token_id: int | None = 0

    def get_vocab(self) -> dict[str, int]:
        return {str(i): i for i in range(self.n)}

    def get_added_vocab(self) -> dict[str, int]:
        return {}


LLAMA = Architecture("self_attn.o_proj", "mlp.down_proj", "post_attention_layernorm")
GEMMA = Architecture(
    "self_attn.o_proj",
    "mlp.down_proj",
    "pre_feedforward_layernorm",
    "post_attention_layernorm",
    "post_feedforward_layernorm",
    gain_plus=1.0,
)
NEOX = Architecture(
    "attention.dense",
    "mlp.dense_4h_to_h",
    "post_attention_layernorm",
    is_parallel=True,
    is_centred=True,
    layers="gpt_neox.layers",
)
ARCHITECTURES = {
    "llama": LLAMA,
    "qwen3": LLAMA,
    "granite": Architecture("self_attn.o_proj", "mlp.down_proj", "post_attention_layernorm", scale=0.3),
    "gemma2": GEMMA,
    "gemma3_text": GEMMA,
    "gemma3": Architecture(**{**vars(GEMMA), "layers": "model.language_model.layers"}),
    "gpt2": Architecture("attn.c_proj", "mlp.c_proj", "ln_2", is_centred=True, layers="transformer.h"),
    "gpt_neo": Architecture("attn.attention.out_proj", "mlp.c_proj", "ln_2", is_centred=True, layers="transformer.h"),
    "gptj": Architecture(
        "attn.out_proj", "mlp.fc_out", "ln_1", is_parallel=True, is_centred=True, layers="transformer.h"
    ),
    "gpt_neox": NEOX,
    "gpt_neox sequential": Architecture(**{**vars(NEOX), "is_parallel": False}),
    "olmo2": Architecture(
        "self_attn.o_proj", "mlp.down_proj", None, "post_attention_layernorm", "post_feedforward_layernorm"
    ),
    "phi": Architecture("self_attn.dense", "mlp.fc2", "input_layernorm", is_parallel=True, is_centred=True),
    "cohere": Architecture("self_attn.o_proj", "mlp.down_proj", "input_layernorm", is_parallel=True, is_centred=True),
}

_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": D,
    "intermediate_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 12,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
_OLD: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "n_embd": D,
    "n_layer": LAYERS,
    "n_head": 2,
    "n_positions": 64,
    "n_inner": HIDDEN,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
_WITHOUT_HEAD_DIM = {k: v for k, v in _SIZES.items() if k not in ("head_dim", "num_key_value_heads")}
_CONFIGS: dict[str, dict[str, Any]] = {
    "llama": _SIZES,
    "qwen3": _SIZES,
    "granite": _SIZES | {"residual_multiplier": 0.3},
    "gemma2": _SIZES,
    "gemma3_text": _SIZES,
    "gpt2": _OLD,
    "gpt_neo": {
        "vocab_size": VOCABULARY,
        "hidden_size": D,
        "num_layers": LAYERS,
        "num_heads": 2,
        "intermediate_size": HIDDEN,
        "attention_types": [[["global"], LAYERS]],
        "max_position_embeddings": 64,
        "bos_token_id": 0,
        "eos_token_id": 0,
    },
    "gptj": _OLD | {"rotary_dim": 4},
    "gpt_neox": _WITHOUT_HEAD_DIM,
    "gpt_neox sequential": _WITHOUT_HEAD_DIM | {"use_parallel_residual": False},
    "olmo2": _WITHOUT_HEAD_DIM,
    "phi": _WITHOUT_HEAD_DIM,
    "cohere": _WITHOUT_HEAD_DIM,
}


def _config(name: str) -> Any:
    from transformers import AutoConfig, Gemma3Config

    if name == "gemma3":
        # The tower has as many layers as the text model: the layers must not be looked for there.
        vision = {
            "hidden_size": 8,
            "intermediate_size": 8,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": 2,
            "image_size": 8,
            "patch_size": 4,
        }
        return Gemma3Config(text_config=_SIZES, vision_config=vision, mm_tokens_per_image=4)
    return AutoConfig.for_model(name.split()[0], **_CONFIGS[name])


@cache
def build_subject(name: str) -> Subject:
    """Return a subject of random weights; norms have random gains and biases, or they could not be told apart."""
    from transformers import AutoModelForCausalLM, Gemma3ForConditionalGeneration

    torch.manual_seed(0)
    config = _config(name)
    model = Gemma3ForConditionalGeneration(config) if name == "gemma3" else AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for path, weight in model.named_parameters():
            gain = 1.0 if "norm" in path and path.endswith("weight") and ARCHITECTURES[name].gain_plus == 0 else 0.0
            weight.copy_(gain + 0.3 * torch.randn_like(weight))
    return Subject(name, model, NumberTokens(VOCABULARY))


def linear(module: Any, vectors: Tensor) -> Tensor:
    """Return vectors times a projection's weight plus its bias; GPT-2 keeps the weight the other way round."""
    weight = module.weight.T if type(module).__name__ == "Conv1D" else module.weight
    bias = getattr(module, "bias", None)
    return vectors @ weight.T + (0.0 if bias is None else bias)


def norm(architecture: Architecture, module: Any, vectors: Tensor) -> Tensor:
    """Return a norm's output by its formula."""
    return gain(architecture, module, standardised(architecture, vectors))


def standardised(architecture: Architecture, vectors: Tensor) -> Tensor:
    if architecture.is_centred:
        vectors = vectors - vectors.mean(-1, keepdim=True)
    return vectors / (vectors.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt()


def gain(architecture: Architecture, module: Any, vectors: Tensor) -> Tensor:
    bias = getattr(module, "bias", None)
    return vectors * (architecture.gain_plus + module.weight) + (0.0 if bias is None else bias)
