"""Names of sae-lens's registry: ``sae-lens:RELEASE/ID``, from the Hugging Face cache or fetched."""

import warnings
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from autointerp.core.errors import EnvironmentProblem, SubjectError
from autointerp.subject.pickles import conversion

REGISTRY = "sae-lens:"
"""How a name of sae-lens's registry begins: ``sae-lens:RELEASE/ID``."""

PICKLED_RELEASES = ("connor_rob_hook_z", "dictionary_learning_1", "deepseek_r1", "goodfire", "qwen_scope")
"""Converters of sae-lens that read pickles."""


def quiet() -> warnings.catch_warnings:
    """Silence sae-lens's warning of keyword arguments for TransformerLens: what they mean is applied here."""
    return warnings.catch_warnings(action="ignore", category=UserWarning)


def load_registered(source: str, *, device: str, dtype: str) -> tuple[Any, list[str]]:
    """Return (sae-lens's model, release and id taken apart) of a name of the registry.

    Raises SubjectError for a name it does not have and for pickles, EnvironmentProblem for files that are
    not here and cannot be fetched.
    """
    release, sae_id, fetch = _registered(source)
    from sae_lens import SAE

    load: Callable[..., Any] = SAE.from_pretrained
    try:
        with quiet():
            return load(release, sae_id, device=device, dtype=dtype), [release, *sae_id.split("/")]
    except Exception as error:
        msg = (
            f"dictionary {source}: its files are not here and could not be fetched ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}); where there is a network, run `{fetch}` and copy "
            "~/.cache/huggingface to this machine, or name the folder of the files instead"
        )
        raise EnvironmentProblem(msg) from error


def _registered(source: str) -> tuple[str, str, str]:
    """Return (release, id, command that fetches it) of ``sae-lens:RELEASE/ID`` or ``sae-lens:OWNER/REPOSITORY/FOLDER``.

    Raises SubjectError for what the registry does not have, naming what it has, and for pickles.
    """
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    known = get_pretrained_saes_directory()
    release, _, sae_id = source.removeprefix(REGISTRY).partition("/")
    if release not in known:
        owner, repository, folder = ([*source.removeprefix(REGISTRY).split("/", 2), "", ""])[:3]
        if folder and not get_close_matches(release, known, n=1, cutoff=0.8):
            return f"{owner}/{repository}", folder, _fetching(f"{owner}/{repository}", folder)
        near = ", ".join(get_close_matches(release, known, n=3, cutoff=0.4)) or "none"
        msg = f"dictionary {source}: sae-lens has no release {release!r}; near it are {near}"
        raise SubjectError(msg)
    found = known[release]
    if sae_id not in found.saes_map:
        near = ", ".join(get_close_matches(sae_id, found.saes_map, n=3, cutoff=0.0))
        msg = f"dictionary {source}: the release {release} has no {sae_id!r}; near it are {near}"
        raise SubjectError(msg)
    fetch = _fetching(found.repo_id, found.saes_map[sae_id])
    if found.conversion_func in PICKLED_RELEASES:
        msg = (
            f"dictionary {source}: {found.repo_id} keeps its weights as a pickle, which may run code when it is "
            f"read. If you trust it, run `{fetch}`, convert the file and name its folder:\n"
            f"{conversion(Path('ae.pt'))}"
        )
        raise SubjectError(msg)
    return release, sae_id, fetch


def _fetching(repository: str, path: str) -> str:
    return f"hf download {repository} --include '{path}*'"
