"""What ``prefect.yaml`` deploys: a whole run, and the parcels of one, as flows that workers pull."""

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.states import Failed

from autointerp.pipeline.run import ignore_progress
from autointerp.store.places import place
from flows.pool import tell
from flows.workers import Grant, Job, do_parcel


@flow(name="evaluate-configuration", validate_parameters=False)  # type: ignore[untyped-decorator]
def evaluate(config: str, home: str = "data", last: str = "") -> dict[str, Any]:
    """Carry out a configuration file, or go on with it, and return what it came to."""
    from autointerp.pipeline.driver import load_config
    from flows.evaluate import run_with_prefect

    outcome = run_with_prefect(load_config(Path(config)), home=place(home), on_progress=ignore_progress, last=last)
    return outcome.as_dict()


@flow(name="chunks", validate_parameters=False)  # type: ignore[untyped-decorator]
def chunks(job: dict[str, Any], stage: str, parcel: list[str], grant: dict[str, Any] | None = None) -> Any:
    """Do a parcel; what it raises is told in the state's message, for no result is kept."""
    try:
        do_parcel(Job(**job), stage, tuple(parcel), Grant(**grant) if grant else None)
    except Exception as error:
        return Failed(message=tell(error))
    return None
