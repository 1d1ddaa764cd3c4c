"""The verbs ``serve`` and ``snapshot``: pages over the runs of a home, and what they read."""

from pathlib import Path
from typing import Annotated

import typer

from autointerp.cli.app import DEFAULT_HOME, AsJson, Home, answer, app, say


@app.command()
def serve(
    home: Home = DEFAULT_HOME,
    host: Annotated[
        str, typer.Option(help="Any other address than this machine's own needs --token-file.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    token_file: Annotated[Path | None, typer.Option(help="Holds what visitors have to know.")] = None,
) -> None:
    """Show runs, labels and their evidence in the browser."""
    from autointerp.dashboard.serving import read_token
    from autointerp.dashboard.serving import serve as serve_pages

    token = read_token(token_file, host)
    serve_pages(home, host=host, port=port, token=token, on_ready=say)


@app.command()
def snapshot(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Make the snapshot that the dashboard reads; `serve` makes it by itself when runs change."""
    from autointerp.dashboard.building import build_snapshot

    path = build_snapshot(home)
    answer({"snapshot": str(path)}, str(path), as_json=as_json)
