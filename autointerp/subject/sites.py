"""Names of places in a subject: ours, SAE-Lens's and TransformerLens's, and modules of ``transformers``."""

import re
from dataclasses import dataclass

from autointerp.core.errors import SubjectError

PARTS = {
    "residual": "the residual stream after layer N; residual.0 is what enters layer 1",
    "residual_mid": "the residual stream between the attention and the MLP of layer N",
    "attention": "what the attention of layer N adds to the residual stream",
    "mlp": "what the MLP of layer N adds to the residual stream",
    "heads": "the outputs of the attention heads of layer N side by side, before their output projection",
    "neurons": "the hidden activations of the MLP of layer N, before its down projection",
    "mlp_in": "what the MLP of layer N reads, behind its norm",
    "mlp_normalized": "the same before the norm's gain and bias",
}
"""The parts of a layer by the names they have here."""

EMBEDDING = "embedding"
MODULE, MODULE_INPUT = "module", "module_in"

# What TransformerLens counts as layer 0 is layer 1 here. The first name of a part is the one written.
# SAE-Lens calls the input of Gemma Scope 2's transcoders hook_mlp_in and means the norm's output; the hook of
# that name in TransformerLens is the stream before the norm, which is residual_mid here.
HOOKS = {
    "hook_resid_post": ("residual", 1),
    "hook_resid_pre": ("residual", 0),
    "hook_resid_mid": ("residual_mid", 1),
    "hook_attn_out": ("attention", 1),
    "hook_mlp_out": ("mlp", 1),
    "attn.hook_z": ("heads", 1),
    "mlp.hook_post": ("neurons", 1),
    "mlp.hook_in": ("mlp_in", 1),
    "hook_mlp_in": ("mlp_in", 1),
    "ln2.hook_normalized": ("mlp_normalized", 1),
}

_PLAIN_MODULE = r"(?:\w+\.)*(?:layers|h)\.\d+(?:\.\w+)*"
"""A module's path as ``named_modules`` spells it, known by its list of layers: ``model.layers.3.mlp``."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where in the subject: a part of a layer, the token embedding, or any module by its path.

    ``residual.12`` is the residual stream after 12 layers, ``mlp.12`` what the 12th layer's MLP adds to it:
    layers count from 1. A module's site is its output, or its input where the name ends in ``:in``.
    """

    part: str
    layer: int
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"module:{self.path}" + (":in" if self.part == MODULE_INPUT else "")
        return self.part if self.part == EMBEDDING else f"{self.part}.{self.layer}"

    @classmethod
    def parse(cls, text: str) -> "Site":
        """Read ``residual.12``, ``blocks.11.hook_resid_post``, ``module:PATH`` or ``module:PATH:in``.

        The path of a module in a list of layers may stand by itself: ``model.layers.3.mlp``, also with the
        ``.output`` or ``.input`` that Gemma Scope 2 writes behind it. Raises SubjectError.
        """
        found = _ours(text) or _hook(text) or _module(text)
        if found is None:
            parts = ", ".join(f"{part}.N" for part in PARTS)
            msg = (
                f"site {text!r}: write {parts} or {EMBEDDING}, N counted from 1; "
                "a name of SAE-Lens such as blocks.11.hook_resid_post; or module:PATH"
            )
            raise SubjectError(msg)
        return found

    @property
    def hook_name(self) -> str:
        """The name that SAE-Lens gives this site; a module's path where it gives none."""
        if self.path:
            return self.path
        if self.part == EMBEDDING:
            return "hook_embed"
        if (self.part, self.layer) == ("residual", 0):
            return "blocks.0.hook_resid_pre"
        hook = next(hook for hook, (part, _) in HOOKS.items() if part == self.part)
        return f"blocks.{self.layer - 1}.{hook}"


def _ours(text: str) -> Site | None:
    if text in (EMBEDDING, "hook_embed"):
        return Site(EMBEDDING, 0)
    found = re.fullmatch(r"(\w+)\.(\d+)", text)
    return Site(found[1], int(found[2])) if found and found[1] in PARTS else None


def _hook(text: str) -> Site | None:
    found = re.fullmatch(r"blocks\.(\d+)\.([\w.]+)", text)
    if not found or found[2] not in HOOKS:
        return None
    part, offset = HOOKS[found[2]]
    return Site(part, int(found[1]) + offset)


def _module(text: str) -> Site | None:
    if found := re.fullmatch(r"module:([\w.]+?)(:in)?", text):
        return Site(MODULE_INPUT if found[2] else MODULE, 0, found[1])
    if found := re.fullmatch(rf"({_PLAIN_MODULE}?)(\.output|\.input)?", text):
        return Site(MODULE_INPUT if found[2] == ".input" else MODULE, 0, found[1])
    return None
