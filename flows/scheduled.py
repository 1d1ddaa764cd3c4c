"""The flows that schedules wake: each looks what is due of its deployment, and does it."""

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed

from autointerp.machine import prepare
from autointerp.pipeline.attending import note_end
from autointerp.pipeline.firings import Firing
from autointerp.store.places import place
from flows.working import attendant_of, tell


def attend(name: str, file: str, home: str) -> Any:
    """Do what is due of a deployment, and return the state that says what became of it."""
    prepare()
    done = attendant_of(Path(file), name, home=place(home)).attend()
    for firing in done:
        tell(firing)
    return state_of(done)


def state_of(done: list[Firing]) -> Any:
    """Return Prefect's state of these firings: the worst of them, with the command that goes on."""
    told = "\n".join(firing.line() for firing in done)
    failed = [firing for firing in done if firing.state == "failed"]
    incomplete = [firing for firing in done if firing.state == "incomplete"]
    if failed:
        return Failed(message=told)
    if incomplete:
        return Failed(name="Incomplete", message=f"{told}\ngo on with: {incomplete[-1].resume}")
    return Completed(message=told or "nothing was due")


def mark_incomplete(_flow: Any, flow_run: Any, state: Any) -> None:
    """Note that a flow run ended in the middle, with the command that goes on; one that was noted stays as it is."""
    parameters = flow_run.parameters
    if {"name", "home"} <= set(parameters):
        why = f"its flow run {state.name.lower()}: {state.message or 'no message'}"
        for firing in note_end(place(parameters["home"]), parameters["name"], why=why):
            tell(firing)


HOOKS: dict[str, Any] = {
    "on_failure": [mark_incomplete],
    "on_crashed": [mark_incomplete],
    "on_cancellation": [mark_incomplete],
    "validate_parameters": False,
}


@flow(**HOOKS)  # type: ignore[untyped-decorator]
def harvest(name: str, file: str, home: str) -> Any:
    """Read the text and keep evidence."""
    return attend(name, file, home)


@flow(**HOOKS)  # type: ignore[untyped-decorator]
def label(name: str, file: str, home: str) -> Any:
    """Go as far as the labels."""
    return attend(name, file, home)


@flow(**HOOKS)  # type: ignore[untyped-decorator]
def evaluate(name: str, file: str, home: str) -> Any:
    """Carry out the whole path, and write the report."""
    return attend(name, file, home)


@flow(**HOOKS)  # type: ignore[untyped-decorator]
def certify(name: str, file: str, home: str) -> Any:
    """Test the judge on features whose truth is known."""
    return attend(name, file, home)


@flow(**HOOKS)  # type: ignore[untyped-decorator]
def report(name: str, file: str, home: str) -> Any:
    """Write the report of a run again."""
    return attend(name, file, home)


@flow(**HOOKS)  # type: ignore[untyped-decorator]
def snapshot(name: str, file: str, home: str) -> Any:
    """Make the snapshot that the dashboard reads."""
    return attend(name, file, home)


FLOWS = {one.fn.__name__: one for one in (harvest, label, evaluate, certify, report, snapshot)}
