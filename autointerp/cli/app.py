"""What every verb shares: the application, its options, how it answers and shows progress."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from autointerp import __version__

app = typer.Typer(
    help="Labels for the features of sparse dictionaries, and how far each can be trusted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
features_app = typer.Typer(help="Look at features.", no_args_is_help=True)
runs_app = typer.Typer(help="Look at runs.", no_args_is_help=True)
app.add_typer(features_app, name="features")
app.add_typer(runs_app, name="runs")


def _place(text: str) -> Path:
    """Return the folder of a path or URL."""
    from autointerp.store.places import place  # brings numpy: not paid for by --help

    return place(text)


Home = Annotated[
    Path, typer.Option("--home", parser=_place, help="Where runs and cache live; a URL, too.", envvar="AUTOINTERP_HOME")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
ConfigFile = Annotated[Path, typer.Argument(help="The configuration file.")]
ConfigOrRun = Annotated[Path, typer.Argument(help="The configuration file; with --scorer or --regrade a run.")]
Plain = Annotated[bool, typer.Option("--plain", help="Run as plain Python, without Prefect.")]
RunName = Annotated[str, typer.Argument(help="A run's folder, its name or name-key; the newest if left out.")]
BudgetUsd = Annotated[float | None, typer.Option(help="At most so many USD, what the run already spent included.")]
BudgetTokens = Annotated[int | None, typer.Option(help="At most so many tokens, in and out, of all attempts.")]

DEFAULT_HOME = Path("data")
DEFAULT_CONFIG = Path("autointerp.toml")


def say(text: str = "") -> None:
    """Print a line of the answer."""
    typer.echo(text)


def answer(value: Any, text: str, *, as_json: bool) -> None:
    """Print the answer as JSON or as text."""
    say(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str) if as_json else text)


Show = Callable[[str, int, int, str], None]


@contextmanager
def progress() -> Iterator[Show]:
    """Yield a function that shows each stage's line on stderr: what, n of N, rate, time left."""
    from autointerp.terminal import StageLines

    lines = StageLines()
    try:
        yield lines.show
    finally:
        lines.close()


def config_or_demo(path: Path) -> Any:
    """Return the configuration of a file, or the demo's where the default file is not there. Raises ConfigError."""
    from autointerp.pipeline.driver import load_config

    return load_config(path if path.exists() or path != DEFAULT_CONFIG else None)


def version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        say(f"autointerp {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Labels for the features of sparse dictionaries, and how far each can be trusted."""
