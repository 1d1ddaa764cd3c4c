"""Names of language models."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llm_builders import make_question

from autointerp.core.errors import ConfigError
from autointerp.core.types import YesNo
from autointerp.llm.registry import family, open_llm
from autointerp.llm.replies import CachedLLM


@pytest.mark.parametrize(
    ("spec", "options", "what"),
    [
        ("locla:x", {}, "unknown provider 'locla'; did you mean 'local'"),
        ("smollm2", {}, "unknown provider"),
        ("local:", {}, "names no model"),
        ("local:/no/such/folder", {}, "does not exist"),
        ("constant:2", {}, "between 0 and 1"),
        ("constant:x", {}, "between 0 and 1"),
        ("openai:m", {"base_ulr": "x"}, "did you mean 'base_url'"),
        ("constant:0.5", {"colour": "x"}, "unknown option"),
    ],
)
def test_a_wrong_name_says_the_right_one(spec: str, options: dict[str, str], what: str) -> None:
    """Before anything is loaded or spent."""
    with pytest.raises(ConfigError, match=what):
        open_llm(spec, options=options)


def test_only_what_costs_something_is_kept(tmp_path: Path) -> None:
    """A constant judge needs no store; a server does, and keeps its name."""
    assert not isinstance(open_llm("constant:0.5", store_path=tmp_path / "r.sqlite"), CachedLLM)
    kept = open_llm("openai:m", store_path=tmp_path / "r.sqlite", options={"base_url": "http://localhost/v1"})
    assert isinstance(kept, CachedLLM)
    assert kept.name == "openai:m"
    kept.close()


def test_options_of_every_provider_may_stand_together(tmp_path: Path) -> None:
    """One configuration serves all; what is not set is the default."""
    options = {"dtype": "float32", "batch_tokens": 64, "base_url": None, "key_variable": "KEY"}
    assert {open_llm(spec, options=options).name for spec in ("constant:1", "openai:m", f"local:{tmp_path}")} == {
        "constant:1",
        "openai:m",
        f"local:{tmp_path}",
    }


def test_a_model_in_memory_is_used(tiny: Callable[..., Any], tokenizer: Any) -> None:
    """No file is looked for, and the name stays the configured one."""
    llm = open_llm("local:/no/such/folder", options={"dtype": "float32"}, loaded=(tiny(), tokenizer))
    reply = asyncio.run(llm.answer(make_question("house", YesNo())))
    assert (reply.model, reply.kind) == ("local:/no/such/folder", "logprob")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("local:/models/SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2"),
        ("local:HuggingFaceTB/SmolLM2-1.7B-Instruct", "smollm2"),
        ("openai:gpt-5-mini", "gpt"),
        ("anthropic:claude-opus-4", "claude"),
        ("openai:Qwen/Qwen2.5-7B", "qwen"),
        ("local:EleutherAI/pythia-70m", "pythia"),
        ("oracle:sensitivity=0.8,specificity=0.8", "oracle"),
    ],
)
def test_families(name: str, expected: str) -> None:
    """Explainer and judge of one family are recognised across sizes, files and servers."""
    assert family(name) == expected


def test_importing_loads_nothing_heavy() -> None:
    """``--help`` must not pay for torch."""
    code = (
        "import sys, autointerp.llm.registry, autointerp.llm.gather; "
        "print([m for m in ('torch', 'transformers', 'openai', 'tenacity') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
