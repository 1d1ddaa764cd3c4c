"""The verbs that watch: two runs beside each other."""

from typing import Annotated

import typer

from autointerp.cli.app import DEFAULT_HOME, AsJson, Home, answer, app


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help="The run compared with: folder, name or name-key.")],
    b: Annotated[str, typer.Argument(help="The other run.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Compare two runs by feature: differences with intervals, verdicts that turned, and what may explain them."""
    from autointerp.pipeline.finding import find_run
    from autointerp.report.compared import compare

    found = compare(find_run(home, a), find_run(home, b))
    answer(found.as_dict(), found.text(), as_json=as_json)
