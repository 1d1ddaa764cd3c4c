"""Whether an evaluation would come to the same again: a hash of what decides it, and one word from each model."""

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from autointerp.core.draws import content_key
from autointerp.core.errors import ProviderUnavailable
from autointerp.core.types import Failure, Question, Text
from autointerp.llm.gather import answer_all
from autointerp.llm.registry import open_llm
from autointerp.pipeline.attending import Inputs
from autointerp.pipeline.config import Config
from autointerp.pipeline.judges import REMOTE, options_of
from autointerp.pipeline.run import PACKAGES, Run, config_key, run_directory
from autointerp.pipeline.waiting import wait_for

WORD = Question("", "Say yes.", 1, Text())


def inputs_of(config: Config, home: Path) -> Inputs:
    """Return what decides the result of a configuration today.

    That is: settings, words of the prompts and text; the files of subject and dictionaries; versions of packages;
    and who answers behind the models' names, for which a server is asked one word.

    Raises:
        ProviderUnavailable: A server cannot be asked.
    """
    run = Run(config, home, run_directory(home, config))
    versions = [metadata.version(package) for package in PACKAGES]
    judges = {name: identity(name, config) for name in models_of(config)}
    files = [state_of(name) for name in (config.subject, *config.dictionaries)]
    key = content_key(config_key(run), *versions, *files, *sorted(judges.items()))
    return Inputs(key, judges[config.score.judge])


def models_of(config: Config) -> list[str]:
    """Return the language models that a configuration names, each once."""
    named = (config.explain.model, config.score.judge, config.score.writer)
    return list(dict.fromkeys(filter(None, named)))


def identity(name: str, config: Config) -> str:
    """Return who answers behind a model's name: what its server calls itself; else the name, and its files' state."""
    if not name.startswith(REMOTE):
        return f"{name} {state_of(name.partition(':')[2])}".strip()
    llm = open_llm(name, options={**options_of(name, config), "batch": None})
    (answer,) = wait_for(answer_all(llm, [WORD], 1))
    # One word was too few for it, or it would not say it: it has told its name all the same.
    reply = answer.reply if isinstance(answer, Failure) else answer
    if reply is None:
        msg = f"{name} cannot be asked whether it is what it was: {answer}"
        raise ProviderUnavailable(msg)
    return f"{name} {reply.model} {reply.fingerprint}".strip()


def state_of(name: str) -> str:
    """Return a hash of names, sizes and times of the files behind a name; "" where it names none on this machine.

    Not of their bytes: they may be many gigabytes, and a file written again is looked at again.
    """
    found = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in _files(Path(name).expanduser())]
    return content_key(*found) if found else ""


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir() and path != Path():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
