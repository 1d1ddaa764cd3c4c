"""The file of flows (``flows.toml``): what is due when, by which rules; and the moments at which it is due."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator, model_validator

from autointerp.core.draws import uniform
from autointerp.core.errors import ConfigError
from autointerp.pipeline.config import parse_as, read_toml
from autointerp.pipeline.sections import nearest
from autointerp.pipeline.terms import Section

Kind = Literal["harvest", "label", "evaluate", "certify", "report", "snapshot"]
NEEDS_CONFIG = ("harvest", "label", "evaluate", "certify")
MOST_AT_ONCE = 1000
"""Moments looked at together: a machine that was away for a year does not list half a million minutes."""


class Deployment(Section):
    """One thing that is due again and again.

    ``flow``: what is done; ``config``: with which configuration (a path beside this file), ``run``: a report's.
    ``cron``: five fields in ``time_zone``, or ``interval_s``: at its multiples since 1970. ``fresh``: every time a
    run of its own, named by the moment it was due; else one run goes on. ``overlap``: while one is under way, the
    next one is left out (``skip``), comes after it (``queue``), or takes its place (``cancel``). ``catch_up_s``:
    so long after its moment it may still begin or go on. ``jitter_s``: it begins up to so much later, each time
    another share of it. ``baseline``: what an evaluation is held against by the configuration's ``[gate]``, when it
    is done. ``skip_unchanged``: only when text, settings, prompts, dictionaries, packages or the judge
    are other than the last time.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    flow: Kind = "evaluate"
    config: str = ""
    run: str = ""
    cron: str = ""
    interval_s: float | None = Field(default=None, ge=1)
    time_zone: str = "UTC"
    fresh: bool = True
    overlap: Literal["skip", "queue", "cancel"] = "skip"
    catch_up_s: float = Field(default=86_400.0, ge=0)
    jitter_s: float = Field(default=0.0, ge=0)
    skip_unchanged: bool = False
    baseline: str = ""

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            msg = f"no time zone {name!r}; write it like Europe/Vienna"
            raise ValueError(msg) from None
        return name

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, text: str) -> str:
        if text:
            try:
                CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
            except CronSimError as error:
                msg = f"not five fields of cron: {text!r} ({error}); every night at two is '0 2 * * *'"
                raise ValueError(msg) from None
        return text

    @model_validator(mode="after")
    def _is_due_by_one_rule(self) -> "Deployment":
        if bool(self.cron) and self.interval_s is not None:
            msg = f"{self.name}: cron or interval_s, not both"
            raise ValueError(msg)
        if not self.cron and self.time_zone != "UTC":
            msg = f"{self.name}: time_zone goes with cron; intervals count seconds"
            raise ValueError(msg)
        if self.flow in NEEDS_CONFIG and not self.config:
            msg = f"{self.name}: the flow {self.flow!r} needs `config`, a configuration file"
            raise ValueError(msg)
        if self.baseline and self.flow != "evaluate":
            msg = f"{self.name}: only what an evaluation scores is held against a baseline"
            raise ValueError(msg)
        return self

    @property
    def rule(self) -> str:
        """When it is due, in words."""
        if self.interval_s is not None:
            return f"every {self.interval_s:g} s"
        return f"{self.cron} {self.time_zone}" if self.cron else "by hand"

    @property
    def last(self) -> str:
        """The last stage of the main path that the flow carries out, "" for all of them."""
        return {"harvest": "evidence", "certify": "certify", "label": "explain"}.get(self.flow, "")


class FlowsFile(Section):
    """``flows.toml``. ``limits``: so many flows at a time may ask a provider, by its name before the colon."""

    limits: dict[str, int] = Field(default={})
    deployments: tuple[Deployment, ...] = Field(min_length=1)

    @field_validator("limits")
    @classmethod
    def _let_one_through(cls, limits: dict[str, int]) -> dict[str, int]:
        for name, limit in limits.items():
            if limit < 1:
                msg = f"{name} = {limit}: nobody would ever ask it; 1 or more"
                raise ValueError(msg)
        return limits

    @model_validator(mode="after")
    def _are_told_apart(self) -> "FlowsFile":
        names = [deployment.name for deployment in self.deployments]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = f"two deployments are called {', '.join(twice)}"
            raise ValueError(msg)
        return self

    def named(self, name: str) -> Deployment:
        """Return the deployment of a name. Raises ConfigError with the nearest one."""
        names = tuple(deployment.name for deployment in self.deployments)
        if name not in names:
            msg = f"no deployment {name!r}; {nearest(name, names)}"
            raise ConfigError(msg)
        return self.deployments[names.index(name)]


def read_flows(path: Path) -> FlowsFile:
    """Return the checked file, its configurations' paths made absolute. Raises ConfigError, one line a problem."""
    if not path.exists():
        msg = f"{path}: no such file; docs/flows.md has one to start from"
        raise ConfigError(msg)
    found = parse_as(FlowsFile, read_toml(path), source=str(path))
    root = path.absolute().parent
    placed = [d.model_copy(update={"config": str(root / d.config)}) if d.config else d for d in found.deployments]
    return found.model_copy(update={"deployments": tuple(placed)})


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def due_times(deployment: Deployment, *, after: datetime, until: datetime) -> list[datetime]:
    """Return the moments in (after, until] at which it is due, in their order: the last MOST_AT_ONCE at most.

    In the hour that a clock jumps over, cron's jobs run after it; in the one it repeats, they run once.
    """
    back = (
        _multiples(deployment.interval_s, until)
        if deployment.interval_s is not None
        else _cron_backwards(deployment, until)
    )
    found = []
    for moment in islice(back, MOST_AT_ONCE):
        if moment <= after:
            break
        found.append(moment)
    return found[::-1]


def next_due(deployment: Deployment, *, after: datetime) -> datetime | None:
    """Return the first moment after one at which it is due; None without a rule."""
    if deployment.interval_s is not None:
        return next(_multiples(deployment.interval_s, after)) + _step(deployment.interval_s)
    if not deployment.cron:
        return None
    local = after.astimezone(ZoneInfo(deployment.time_zone))
    return next(CronSim(deployment.cron, local)).astimezone(UTC)


def begins(deployment: Deployment, due: datetime) -> datetime:
    """Return when what is due at a moment begins: later by a share of the jitter that the moment decides."""
    return due + timedelta(seconds=deployment.jitter_s * uniform(0, "jitter", deployment.name, due.isoformat()))


def _multiples(interval_s: float, until: datetime) -> Iterator[datetime]:
    """Yield the multiples of an interval since 1970, the latest until a moment first.

    In whole microseconds: by floats the same multiple could be due on both sides of a moment, or on neither.
    """
    step = _step(interval_s)
    moment = until - (until - EPOCH) % step
    while True:
        yield moment
        moment -= step


def _step(interval_s: float) -> timedelta:
    return timedelta(microseconds=round(interval_s * 1e6))


def _cron_backwards(deployment: Deployment, until: datetime) -> Iterator[datetime]:
    if not deployment.cron:
        return
    # One second on: a moment that is now is due.
    local = (until.replace(microsecond=0) + timedelta(seconds=1)).astimezone(ZoneInfo(deployment.time_zone))
    for moment in CronSim(deployment.cron, local, reverse=True):
        yield moment.astimezone(UTC)


assert set(NEEDS_CONFIG) < set(get_args(Kind))
