"""A provider that answers everything, for runs of every scorer and explainer."""

from collections.abc import Iterator

import pytest
from scripted_world import Script

from autointerp.llm import registry
from autointerp.llm.scripted import ScriptedLLM


@pytest.fixture(scope="module")
def script() -> Iterator[Script]:
    """The provider ``script:NAME``, there for one module; its replies are kept like those of any other."""
    made = Script()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            registry.PROVIDERS,  # type: ignore[arg-type]
            "script",
            lambda model, _opening: (ScriptedLLM(f"script:{model}", made), ""),
        )
        yield made
