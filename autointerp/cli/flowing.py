"""The verb ``flow``: schedules served, one thing done now, what is due next, what became of what was due."""

from pathlib import Path
from typing import Annotated

import typer

from autointerp.cli.app import DEFAULT_HOME, AsJson, Home, Plain, answer, app, progress
from autointerp.core.errors import Incomplete

flow_app = typer.Typer(help="Serve schedules, and look at what they did.", no_args_is_help=True)
app.add_typer(flow_app, name="flow")

DEFAULT_FLOWS = Path("flows.toml")
FlowsPath = Annotated[Path, typer.Argument(help="The file of flows.")]
FlowsOption = Annotated[Path, typer.Option("--file", help="The file of flows.")]
FlowName = Annotated[str, typer.Argument(help="A deployment's name.")]


@flow_app.command("serve")
def flow_serve(file: FlowsPath = DEFAULT_FLOWS, home: Home = DEFAULT_HOME) -> None:
    """Do everything in a file when it is due, until stopped."""
    from flows.serving import serve

    serve(file, home=home)


@flow_app.command("run")
def flow_run(
    name: FlowName,
    file: FlowsOption = DEFAULT_FLOWS,
    due: Annotated[str, typer.Option(help="Go on with what was due at this moment, as history prints it.")] = "",
    home: Home = DEFAULT_HOME,
    plain: Plain = False,
    as_json: AsJson = False,
) -> None:
    """Do one of a file now, or go on with what it left."""
    from dataclasses import asdict

    from flows.working import attendant_of

    with progress() as show:
        firing = attendant_of(file, name, home=home, on_progress=show, plain=plain).by_hand(due)
    answer(asdict(firing), firing.line(), as_json=as_json)
    if firing.state == "incomplete":
        msg = f"{firing.reason}; go on with: {firing.resume}"
        raise Incomplete(msg)


@flow_app.command("list")
def flow_list(file: FlowsPath = DEFAULT_FLOWS, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List what a file holds: when it is due next, and what became of the last one."""
    from autointerp.pipeline.firings import listed, now
    from autointerp.pipeline.schedules import read_flows

    found = listed(read_flows(file).deployments, home, at=now())
    lines = [f"{one['name']}  {one['flow']}  {one['rule']}  next {one['next']}  last {one['last']}" for one in found]
    answer(found, "\n".join(lines), as_json=as_json)


@flow_app.command("history")
def flow_history(
    name: Annotated[str, typer.Argument(help="Of one deployment.")] = "",
    last: Annotated[int, typer.Option("--last", min=1, help="So many at most, the latest first.")] = 30,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show what was due, what became of it and why."""
    from dataclasses import asdict

    from autointerp.pipeline.firings import all_firings

    firings = all_firings(home, name)[:last]
    text = "\n".join(firing.line() for firing in firings) or "nothing was due yet"
    answer([asdict(firing) for firing in firings], text, as_json=as_json)
