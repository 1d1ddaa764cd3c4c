"""A provider that answers everything, for runs of every scorer and explainer."""

import pytest
from scripted_world import Script

from autointerp.llm import registry
from autointerp.llm.scripted import ScriptedLLM


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """The provider ``script:NAME``, there for one test."""
    made = Script()
    monkeypatch.setitem(
        registry.PROVIDERS,  # type: ignore[arg-type]
        "script",
        lambda model, _opening: (ScriptedLLM(f"script:{model}", made), ""),
    )
    return made
