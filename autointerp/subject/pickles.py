"""Weights offered as a pickle: refused, with the line that converts them."""

from pathlib import Path

from autointerp.core.errors import SubjectError

PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")


def is_pickled(path: Path) -> bool:
    """Return whether a folder of somebody's dictionary holds pickles and no weights that can be read."""
    names = [file.name for file in path.glob("*.*")] if path.is_dir() else []
    readable = any(name.endswith((".safetensors", ".npz")) for name in names)
    described = {"cfg.json", "config.json"} & set(names)
    return bool(described) and not readable and any(name.endswith(PICKLES) for name in names)


def refuse_pickles(path: Path) -> None:
    """Raise SubjectError for a pickle, with the line that converts it."""
    pickled = [path] if path.suffix in PICKLES else []
    if is_pickled(path):
        pickled = sorted(file for file in path.iterdir() if file.suffix in PICKLES)
    if pickled:
        msg = (
            f"dictionary {path}: {pickled[0].name} is a pickle, which may run code when it is read. If you trust "
            f"where it comes from, convert it once and name the folder again:\n{conversion(pickled[0])}"
        )
        raise SubjectError(msg)


def conversion(pickle: Path) -> str:
    """Return the command that writes a pickle's tensors as safetensors beside it, running none of its code."""
    code = (
        "import torch; from safetensors.torch import save_file; "
        f"w = torch.load({str(pickle)!r}, map_location='cpu', weights_only=True); "
        f"save_file({{k: v.clone() for k, v in w.items()}}, {str(pickle.with_suffix('.safetensors'))!r})"
    )
    return f'python -c "{code}"'
