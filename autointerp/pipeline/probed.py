"""``autointerp doctor --judge``: what the model behind a name can do, found out by asking its server."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.llm.capabilities import Capabilities
from autointerp.llm.probing import find_remote, prepare
from autointerp.llm.registry import open_llm
from autointerp.pipeline.config import Config
from autointerp.pipeline.judges import options_of
from autointerp.pipeline.waiting import wait_for
from autointerp.store.places import cache_of


@dataclass(frozen=True)
class Probed:
    """A model, where it is ("" in this process), and what it can do."""

    judge: str
    place: str
    capabilities: Capabilities

    def as_dict(self) -> dict[str, Any]:
        return {"judge": self.judge, "place": self.place, **asdict(self.capabilities)}

    def text(self) -> str:
        where = f" at {self.place}" if self.place else ", in this process"
        return "\n".join([f"{self.judge}{where}", *self.capabilities.lines()])


def probe_judge(name: str, config: Config, *, home: Path) -> Probed:
    """Return what is known of the model; the first time its server is asked fewer than ten small questions.

    Raises:
        ConfigError: There is no such provider or model.
        ProviderUnavailable: It cannot be asked.
        EnvironmentProblem: Its key is not set.
    """
    judge = open_llm(name, options={**options_of(name, config), "batch": None})
    remote = find_remote(judge)
    found = wait_for(prepare(judge, cache_of(home)))
    return Probed(name, remote.server.place if remote else "", found)
