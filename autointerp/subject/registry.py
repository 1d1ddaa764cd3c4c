"""Names of sae-lens's registry: ``sae-lens:RELEASE/ID``, from the Hugging Face cache or fetched."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from autointerp.core.errors import EnvironmentProblem, SubjectError
from autointerp.subject.pickles import conversion

REGISTRY = "sae-lens:"
"""How a name of sae-lens's registry begins: ``sae-lens:RELEASE/ID``."""

GEMMA_SCOPE_2, CROSS_LAYER = "gemma_3", "mntss_clt_layer_transcoder"
"""Converters of sae-lens that ask the hub for shapes even of files that are here; the first is done without."""

BESIDE = {"mwhanna_transcoder": ("{}", "*.yaml"), CROSS_LAYER: ("W_*_{}.safetensors", "*.yaml")}
"""Patterns of a dictionary's files by converter, its path for {}, where they are not all that a folder holds."""

PICKLED_RELEASES = ("connor_rob_hook_z", "dictionary_learning_1", "deepseek_r1", "goodfire", "qwen_scope")
"""Converters of sae-lens that read pickles."""


def quiet() -> warnings.catch_warnings:
    """Silence sae-lens's warning of keyword arguments for TransformerLens: what they mean is applied here."""
    return warnings.catch_warnings(action="ignore", category=UserWarning)


@dataclass(frozen=True)
class Registered:
    """What sae-lens calls a dictionary, and where its files stand on the hub."""

    release: str
    sae_id: str
    repository: str
    path: str
    converter: str = ""

    @property
    def parts(self) -> list[str]:
        return [self.release, *self.sae_id.split("/")]

    @property
    def fetching(self) -> str:
        """The command that fetches its files, and no other dictionary's."""
        otherwise = ("{}",) if self.converter in PICKLED_RELEASES else ("{}/*",)
        patterns = [pattern.format(self.path) for pattern in BESIDE.get(self.converter, otherwise)]
        return " ".join([f"hf download {self.repository}", *(f"--include '{pattern}'" for pattern in patterns)])


def load_registered(source: str, *, device: str, dtype: str, read: Callable[[Path], Any]) -> tuple[Any, list[str]]:
    """Return (sae-lens's model, release and id taken apart) of a name of the registry.

    ``read`` reads a folder of files on this machine. Raises SubjectError for a name the registry does not have, for
    pickles and for damaged files, EnvironmentProblem for files that are not here and cannot be fetched.
    """
    found = _registered(source)
    from sae_lens import SAE

    load: Callable[..., Any] = SAE.from_pretrained
    try:
        if found.converter == GEMMA_SCOPE_2:
            return read(_fetched(found)), found.parts
        with quiet():
            return load(found.release, found.sae_id, device=device, dtype=dtype), found.parts
    except SubjectError:
        raise
    except OSError as error:  # the hub's errors and those of connections among them
        remedy = (
            "sae-lens asks the hub for their shapes each time, so this release loads only where there is a network"
            if found.converter == CROSS_LAYER
            else f"where there is a network, run `{found.fetching}` and copy ~/.cache/huggingface to this machine, "
            "or name the folder of the files instead"
        )
        msg = f"dictionary {source}: its files are not here and could not be fetched ({_told(error)}); {remedy}"
        raise EnvironmentProblem(msg) from error
    except Exception as error:
        msg = (
            f"dictionary {source}: its files could not be read ({_told(error)}); if they were not fetched whole, run "
            f"`{found.fetching} --force-download`"
        )
        raise SubjectError(msg) from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def _fetched(found: Registered) -> Path:
    """Return the folder of a dictionary's weights, from the cache or fetched into it."""
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(found.repository, f"{found.path}/params.safetensors")).parent


def _registered(source: str) -> Registered:
    """Return what is behind ``sae-lens:RELEASE/ID`` or ``sae-lens:OWNER/REPOSITORY/FOLDER``.

    Raises SubjectError for what the registry does not have, naming what it has, and for pickles.
    """
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    known = get_pretrained_saes_directory()
    release, _, sae_id = source.removeprefix(REGISTRY).partition("/")
    if release not in known:
        owner, repository, folder = ([*source.removeprefix(REGISTRY).split("/", 2), "", ""])[:3]
        if folder and not get_close_matches(release, known, n=1, cutoff=0.8):
            where = f"{owner}/{repository}"
            return Registered(where, folder, where, folder)
        near = ", ".join(get_close_matches(release, known, n=3, cutoff=0.4)) or "none"
        msg = f"dictionary {source}: sae-lens has no release {release!r}; near it are {near}"
        raise SubjectError(msg)
    found = known[release]
    if sae_id not in found.saes_map:
        near = ", ".join(get_close_matches(sae_id, found.saes_map, n=3, cutoff=0.0))
        msg = f"dictionary {source}: the release {release} has no {sae_id!r}; near it are {near}"
        raise SubjectError(msg)
    entry = Registered(release, sae_id, found.repo_id, found.saes_map[sae_id], found.conversion_func or "")
    if entry.converter in PICKLED_RELEASES:
        msg = (
            f"dictionary {source}: {found.repo_id} keeps its weights as a pickle, which may run code when it is "
            f"read. If you trust it, run `{entry.fetching}`, convert the file and name its folder:\n"
            f"{conversion(Path('ae.pt'))}"
        )
        raise SubjectError(msg)
    return entry
