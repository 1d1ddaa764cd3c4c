"""What is computed on a device that is not the CPU: ``python other_device.py WORLD SCRATCH``, in a process of its own.

There is no GPU where these tests run. So torch is given a device ``other`` by its way for backends written in Python
(``torch.utils.backend_registration``): its tensors are computed by the CPU, but as on a GPU they do not mix with the
CPU's and are not NumPy's. Half precision, memory and speed are a GPU's own and not tried by this.
"""

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

NAME = "other"
MAX_NORM, MANY = 1e6, 1000
LASTING: list[object] = []
"""What torch forgets when nobody holds it."""


class OtherTensor(Tensor):
    """A tensor of the device; ``held`` is what the CPU computes with."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> "OtherTensor":
        made: OtherTensor = torch._C._acc.create_empty_tensor(held.shape, held.dtype)
        made.__class__ = cls
        return made

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        return super().__getitem__(tuple(torch.as_tensor(k) if isinstance(k, list) else k for k in keys))

    @property
    def data(self) -> Tensor:
        return OtherTensor(self.held.detach())

    @data.setter
    def data(self, new: Any) -> None:
        self.held = new.held

    def new_tensor(self, values: Any, **_: Any) -> Tensor:
        return OtherTensor(torch.tensor(values, dtype=self.dtype))


def is_other(value: object) -> bool:
    return isinstance(value, OtherTensor)


def names_other(value: object) -> bool:
    return isinstance(value, torch.device) and value.type == NAME


def here(value: Any) -> Any:
    """Return what stands for a tensor or the device on the CPU."""
    return value.held if is_other(value) else torch.device("cpu") if names_other(value) else value


class OnOther(TorchDispatchMode):
    """Has the CPU compute what is asked of the device."""

    def __torch_dispatch__(
        self, function: Any, types: object, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        leaves = pytree.tree_leaves((args, kwargs))
        if not any(is_other(leaf) or names_other(leaf) for leaf in leaves):
            return function(*args, **kwargs)
        name = function._schema.name
        if name == "aten::_to_copy":
            goes_there = names_other(kwargs["device"]) if kwargs.get("device") else is_other(args[0])
            made = function(here(args[0]), **{key: here(value) for key, value in kwargs.items()})
            return OtherTensor(made) if goes_there else made
        if name not in ("aten::copy_", "aten::index.Tensor", "aten::index", "aten::index_put_"):
            strangers = [leaf for leaf in leaves if isinstance(leaf, Tensor) and not is_other(leaf) and leaf.dim()]
            if strangers:
                msg = f"{name}: tensors of the CPU and of {NAME}"
                raise RuntimeError(msg)
        # What is changed in place stays the tensor it was.
        known = {id(here(leaf)): leaf for leaf in leaves if isinstance(leaf, Tensor)}
        args, kwargs = pytree.tree_map(here, (args, kwargs))
        made = args[0].reshape(*args[1:]) if name == "aten::view" else function(*args, **kwargs)
        return pytree.tree_map_only(Tensor, lambda x: known[id(x)] if id(x) in known else OtherTensor(x), made)


def install() -> None:
    """Give torch the device, in this process for good; before anything of ours is imported."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME)
    getattr(torch, NAME).get_amp_supported_dtype = lambda: [torch.bfloat16, torch.float16]
    library = torch.library.Library("aten", "IMPL")
    for name in ("detach", "alias"):
        # What autograd makes of these would have lost what the CPU computes with.
        library.impl(name, lambda tensor: OtherTensor(tensor.held.detach()), "AutogradPrivateUse1")
    LASTING.append(library)
    torch.inference_mode = torch.no_grad  # its tensors cannot be of such a class


@contextmanager
def on_other() -> Iterator[None]:
    """Within the context the device computes; models are loaded before, as transformers looks at who is watching."""
    tensor = torch.tensor

    def made(*values: Any, device: Any = None, **settings: Any) -> Tensor:
        if torch.device(device or "cpu").type != NAME:
            return tensor(*values, device=device, **settings)
        return OtherTensor(tensor(*values, **settings))

    torch.tensor = made
    try:
        with OnOther():
            yield
    finally:
        torch.tensor = tensor


# ---- what is computed there, beside the CPU


def compare(world: Path, scratch: Path) -> None:
    """Fail unless the device computes what the CPU does: harvest, output tokens, appraisal, answers, training."""
    from autointerp.subject.loading import load_dictionary
    from autointerp.subject.model import Subject

    mine, its = (Subject.load(str(world / "model")) for _ in range(2))
    folders = sorted((world / "tiny").iterdir())
    theirs, ours = ([load_dictionary(folder) for folder in folders] for _ in range(2))
    with on_other():
        its.model.to(NAME)
        for dictionary in theirs:
            dictionary.sae.to(NAME)
        compare_encoders()
        compare_reading((mine, ours), (its, theirs))
        compare_answers(mine.model, its.model)
        compare_training(scratch)


def compare_encoders() -> None:
    """Some features at a time every architecture finds what it finds on the CPU."""
    from random_encoders import ARCHITECTURES, D, build, dense

    vectors = torch.randn(50, D, generator=torch.Generator().manual_seed(2))
    for name in ARCHITECTURES:
        mine, its = build(name, 300), build(name, 300)
        its.sae.to(NAME)
        expected, found = mine.encode_sparse(vectors, block=70), its.encode_sparse(vectors.to(NAME), block=70)
        shape = torch.Size([len(vectors), 300])
        torch.testing.assert_close(dense(found, shape), dense(expected, shape), msg=name)


def compare_reading(cpu: tuple[Any, Any], other: tuple[Any, Any]) -> None:
    """A harvest, output tokens and an appraisal are the same on both, but for what rounding decides."""
    (shard, *measured), (shard_, *measured_) = (read(*one) for one in (cpu, other))
    for mine, its in zip(shard.activations, shard_.activations, strict=True):
        fired, fired_ = (fires(one) for one in (mine, its))
        assert len(fired) > MANY
        # The tiny dictionaries' thresholds stand on activations of this very text.
        assert len(fired.keys() ^ fired_.keys()) < len(fired) / 100
        both = fired.keys() & fired_.keys()
        np.testing.assert_allclose([fired[at] for at in both], [fired_[at] for at in both], rtol=1e-3, atol=1e-3)
    assert all((shard.kept[n] == shard_.kept[n]).all() for n in shard.kept)
    assert measured[0] == measured_[0]
    np.testing.assert_allclose(measured[1], measured_[1], rtol=1e-2)


def fires(found: Any) -> dict[tuple[int, int, int], float]:
    columns = (found.feature, found.context, found.position)
    return dict(zip(zip(*(column.tolist() for column in columns), strict=True), found.activation.tolist(), strict=True))


def read(subject: Any, dictionaries: Sequence[Any]) -> tuple[Any, Any, list[float]]:
    """Return a shard's activations, tokens that features promote, and what an appraisal measures."""
    from autointerp.subject.contexts import Context
    from autointerp.subject.evaluate import cross_entropies, reconstruction
    from autointerp.subject.harvest import Reader, harvest_shard, output_tokens
    from autointerp.subject.model import Site

    site, draws = Site.parse("residual.2"), np.random.default_rng(0)
    contexts = [Context(f"d{n}", 0, tuple(draws.integers(10, 200, 64).tolist())) for n in range(40)]
    shard = harvest_shard(subject, [Reader(d, site, MAX_NORM) for d in dictionaries], list(enumerate(contexts)))
    tokens = [output_tokens(subject, dictionary, range(4), n=5) for dictionary in dictionaries]
    quality = reconstruction(subject, site, dictionaries, contexts, max_norm=MAX_NORM, on_progress=silent)
    entropy = cross_entropies(subject, site, dictionaries, contexts, max_norm=MAX_NORM, on_progress=silent)
    return shard, tokens, [value for one in (*quality.values(), entropy) for value in one.values()]


def compare_answers(cpu: Any, other: Any) -> None:
    """A local model judges and writes alike, with and without prefixes that were run before."""
    from autointerp.llm.choosing import Chooser
    from autointerp.llm.encoding import Encoded
    from autointerp.llm.forward import Runner

    draws = np.random.default_rng(1)
    head = tuple(draws.integers(10, 200, 20).tolist())
    texts = [(*head, *draws.integers(10, 200, n).tolist()) for n in (5, 9, 14)]
    asked = [Encoded(text, (len(text) - 4, len(text) - 1), ((11,), (12, 13)), len(text)) for text in texts]
    graded, written = [], []
    for model in (cpu, other):
        runner = Runner(model)
        batches = (asked, asked[:1], asked[1:2])
        graded.append([probability for batch in batches for one in runner.grade(batch) for probability in one.rows])
        choosers = [
            Chooser(key="abc", max_tokens=n, ends=frozenset({3}), temperature=t)
            for n, t in ((4, 0.0), (9, 0.0), (6, 0.7))
        ]
        written.append([one.tokens for one in runner.write(asked, choosers)])
    np.testing.assert_allclose(graded[0], graded[1], rtol=1e-3)
    assert written[0] == written[1]


def compare_training(scratch: Path) -> None:
    """Every architecture of a ladder comes to the same weights and losses."""
    from autointerp.subject.recipe import AXES, Recipe
    from autointerp.subject.train import train_members

    path = scratch / "vectors.npy"
    np.save(path, np.random.default_rng(0).normal(1.0, 2.0, (64 * 30, 24)).astype(np.float16))
    for architecture, axis in AXES.items():
        recipe = Recipe(architecture, (16,), (4.0 if axis == "k" else 0.5,), batch=64, dead_after_steps=5)
        cpu, other = (
            train_members(
                [path], recipe, metadata={"site": "residual.2", "hook_name": "x", "model_name": "x", "max_norm": 1.0},
                checkpoint=scratch / "none.pt", on_progress=silent, device=device,
            )
            for device in ("cpu", NAME)
        )  # fmt: skip
        for (member, mine), its in zip(cpu.saes.items(), other.saes.values(), strict=True):
            assert its.device.type == its.W_enc.device.type == NAME, (architecture, member)
            for name, weight in mine.state_dict().items():
                torch.testing.assert_close(its.state_dict()[name].cpu(), weight, rtol=1e-3, atol=1e-4, msg=architecture)
        np.testing.assert_allclose([p.loss for p in cpu.curve], [p.loss for p in other.curve], rtol=1e-3)


def silent(*_: object) -> None:
    pass


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    install()
    compare(Path(sys.argv[1]), Path(sys.argv[2]))
