"""Where the sites stand in a ``transformers`` model: which module of which layer, its input or its output."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from autointerp.core.errors import SubjectError
from autointerp.subject.sites import EMBEDDING, MODULE_INPUT, PARTS, Site

DOWN_PROJECTIONS = ("down_proj", "c_proj", "dense_4h_to_h", "fc2", "fc_out")
OUTPUT_PROJECTIONS = ("o_proj", "c_proj", "dense", "out_proj")


@dataclass(frozen=True, slots=True)
class Family:
    """How the layers of related models are put together: names of children, and where attention and MLP read.

    ``added``: the modules whose outputs are what attention and MLP add to the residual stream. In Gemma 2
    and 3 and OLMo 2 these are norms behind them, and so it is with TransformerLens's hook_attn_out and
    hook_mlp_out. ``mlp_norm``: the norm before the MLP, None where it reads the stream itself.
    """

    attention: str
    mlp: str
    added: tuple[str, str]
    mlp_norm: str | None
    other: tuple[str, ...] = ()
    is_parallel: bool = False

    @property
    def children(self) -> frozenset[str]:
        """What a layer consists of, dropouts left aside; with another child its stream may be another sum."""
        names = (self.attention, self.mlp, *self.added, *self.other, self.mlp_norm)
        return frozenset(name for name in names if name)


FAMILIES = (
    # Llama, Mistral, Qwen 2 and 3, Gemma 1, SmolLM, Phi-3, Granite
    Family("self_attn", "mlp", ("self_attn", "mlp"), "post_attention_layernorm", ("input_layernorm",)),
    # Gemma 2 and 3
    Family(
        "self_attn",
        "mlp",
        ("post_attention_layernorm", "post_feedforward_layernorm"),
        "pre_feedforward_layernorm",
        ("input_layernorm",),
    ),
    # OLMo 2
    Family("self_attn", "mlp", ("post_attention_layernorm", "post_feedforward_layernorm"), None),
    # GPT-2, GPT-Neo
    Family("attn", "mlp", ("attn", "mlp"), "ln_2", ("ln_1",)),
    # GPT-NeoX, Pythia; parallel or not by its configuration
    Family("attention", "mlp", ("attention", "mlp"), "post_attention_layernorm", ("input_layernorm",)),
    # Phi, Cohere
    Family("self_attn", "mlp", ("self_attn", "mlp"), "input_layernorm", is_parallel=True),
    # GPT-J
    Family("attn", "mlp", ("attn", "mlp"), "ln_1", is_parallel=True),
)


@dataclass(frozen=True, slots=True)
class Tap:
    """One place in one model: a module's input or output, and what is made of it (None: nothing)."""

    module: nn.Module
    is_input: bool = False
    then: Callable[[Tensor], Tensor] | None = None

    def read(self, got: Callable[[Tensor], None]) -> RemovableHandle:
        """Call *got* with what stands here, [B, T, d], at every pass until the handle is removed."""
        read = self.then or (lambda vectors: vectors)
        return self._register(lambda vectors: got(read(vectors)))

    def replace(self, new: Callable[[Tensor], Tensor]) -> RemovableHandle:
        """Put ``new(vectors)`` in the place of what stands here. Raises SubjectError where that is not possible."""
        if self.then is not None:
            msg = "what stands at this site is computed from the stream and cannot be replaced; name another site"
            raise SubjectError(msg)
        return self._register(new)

    def _register(self, change: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        if self.is_input:
            return self.module.register_forward_pre_hook(partial(_on_input, change), with_kwargs=True)
        return self.module.register_forward_hook(partial(_on_output, change))


def _on_output(change: Callable[[Tensor], Tensor | None], module: nn.Module, _inputs: Any, output: Any) -> Any:
    """Change what a module returns: a tensor, or the first of a tuple of which the rest are caches and weights."""
    if isinstance(output, (tuple, list)) and output:
        changed = change(_stream(output[0], module))
        return None if changed is None else (changed, *output[1:])
    return change(_stream(output, module))


def _on_input(change: Callable[[Tensor], Tensor | None], module: nn.Module, inputs: Any, named: Any) -> Any:
    """Change the first tensor a module is given, by place or by name."""
    if inputs:
        changed = change(_stream(inputs[0], module))
        return None if changed is None else ((changed, *inputs[1:]), named)
    name = next((name for name, value in named.items() if isinstance(value, Tensor)), "")
    changed = change(_stream(named.get(name), module))
    return None if changed is None else (inputs, named | {name: changed})


def _stream(value: Any, module: nn.Module) -> Tensor:
    if isinstance(value, Tensor) and value.ndim == 3 and value.is_floating_point():
        return value
    found = f"a tensor of shape {list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    msg = f"site at a {type(module).__name__}: {found} stands there, not one vector a token; name another module"
    raise SubjectError(msg)


def find_layers(model: Any, n_layers: int) -> nn.ModuleList | None:
    """Return the list of layers of the text model, not that of a vision tower beside it; None without one."""
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else model
    lists = (m for m in decoder.modules() if isinstance(m, nn.ModuleList) and len(m) == n_layers)
    return next(lists, None)


def find_family(layer: nn.Module) -> Family | None:
    """Return how a layer is put together, None when it is of no family known here."""
    children = {name for name, child in layer.named_children() if not isinstance(child, nn.Dropout)}
    return next((family for family in FAMILIES if family.children == children), None)


def layer_taps(layer: nn.Module, *, is_parallel: bool) -> dict[str, Tap]:
    """Return the parts of a layer by name: those that exist in it, ``residual`` always.

    ``is_parallel``: the configuration says that attention and MLP read the same stream, which then has no middle.
    """
    taps = {"residual": Tap(layer)}
    if (family := find_family(layer)) is None:
        return taps
    attention, mlp = getattr(layer, family.attention), getattr(layer, family.mlp)
    for part, name in zip(("attention", "mlp"), family.added, strict=True):
        taps[part] = Tap(getattr(layer, name), then=_scaled(layer))
    for part, block, names in (("heads", attention, OUTPUT_PROJECTIONS), ("neurons", mlp, DOWN_PROJECTIONS)):
        if projection := _first_child(block, names):
            taps[part] = Tap(projection, is_input=True)
    taps["mlp_in"] = Tap(mlp, is_input=True)
    norm = getattr(layer, family.mlp_norm) if family.mlp_norm else None
    if norm is not None:
        taps["mlp_normalized"] = Tap(norm, is_input=True, then=partial(_normalized, norm))
    if not (family.is_parallel or is_parallel):
        taps["residual_mid"] = Tap(mlp if norm is None else norm, is_input=True)
    return {part: taps[part] for part in PARTS if part in taps}


def _first_child(block: nn.Module, names: tuple[str, ...]) -> nn.Module | None:
    """Return the first child of one of these names; GPT-Neo wraps its attention once more."""
    inner = getattr(block, "attention", block)
    return next((child for name in names if (child := getattr(inner, name, None)) is not None), None)


def _scaled(layer: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """Return what a layer does to the outputs it adds to the stream: Granite multiplies them."""
    factor = float(getattr(layer, "residual_multiplier", 1.0))
    return None if factor == 1.0 else lambda vectors: vectors * factor


def _normalized(norm: Any, vectors: Tensor) -> Tensor:
    """Return vectors as a norm makes them before its gain and bias: ln2.hook_normalized.

    Transcoders of Gemma Scope read this: the gain was folded into the MLP for their training
    (Lieberum et al. 2024, Language model technical details).
    """
    vectors = vectors.float()
    if "RMS" not in type(norm).__name__:
        vectors = vectors - vectors.mean(dim=-1, keepdim=True)
    epsilon: float = norm.eps if hasattr(norm, "eps") else norm.variance_epsilon
    return vectors * torch.rsqrt(vectors.square().mean(dim=-1, keepdim=True) + epsilon)


def find_tap(model: Any, site: Site, *, n_layers: int, name: str) -> Tap:
    """Return where a site stands in a model called *name* in messages.

    Raises SubjectError when it has no such layer, part or module; the message names those it has.
    """
    if site.path:
        return Tap(_module_at(model, site, name), is_input=site.part == MODULE_INPUT)
    if site.part == EMBEDDING:
        return Tap(model.get_input_embeddings())
    layers = find_layers(model, n_layers)
    if layers is None:
        msg = f"subject {name}: no list of {n_layers} layers found; is it a causal language model?"
        raise SubjectError(msg)
    if site.layer > n_layers or (site.layer < 1 and site.part != "residual"):
        msg = f"site {site}: {name} has layers 1 to {n_layers}"
        raise SubjectError(msg)
    if site.layer == 0:
        return Tap(layers[0], is_input=True)
    taps = layer_taps(layers[site.layer - 1], is_parallel=bool(getattr(model.config, "use_parallel_residual", False)))
    if site.part not in taps:
        raise SubjectError(_no_part(model, layers[site.layer - 1], site, taps, name))
    return taps[site.part]


def _no_part(model: nn.Module, layer: nn.Module, site: Site, taps: dict[str, Tap], name: str) -> str:
    path = next(path for path, module in model.named_modules() if module is layer)
    there = ", ".join(f"{part}.{site.layer}" for part in taps)
    modules = ", ".join(f"module:{path}.{child}" for child, _ in layer.named_children())
    return f"site {site}: {name} ({type(layer).__name__}) has no {site.part}; there are {there}, {modules}"


def _module_at(model: Any, site: Site, name: str) -> nn.Module:
    """Return the module of a path, counted from the model, from what it wraps, or from its text model."""
    roots = (model, model.base_model, model.get_decoder() if hasattr(model, "get_decoder") else model)
    for root in roots:
        if (found := dict(root.named_modules()).get(site.path)) is not None:
            return found  # type: ignore[no-any-return]
    near = get_close_matches(site.path, [path for path, _ in model.named_modules()], n=6, cutoff=0.3)
    msg = f"site {site}: {name} has no module {site.path!r}; near it are {', '.join(near) or 'none'}"
    raise SubjectError(msg)
