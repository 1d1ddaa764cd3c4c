"""Builders: a tiny real subject, tiny dictionaries, a small corpus, and configurations over them."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autointerp.core.draws import uniform
from autointerp.pipeline.config import Config, parse_config

SITE = "residual.2"
D_MODEL = 32
WIDTHS = (16, 32)
DEAD, EVERYWHERE, THREE_FIRINGS = 0, 1, 2
"""Features of tiny/16 with these fates; the others fire on 0.3% to 3% of the tokens."""

WORDS = (
    *[
        "the",
        "river",
        "runs",
        "to",
        "the",
        "sea",
        "and",
        "the",
        "small",
        "boat",
        "is",
        "on",
        "it",
        "while",
        "a",
        "red",
        "house",
        "stands",
        "by",
        "an",
        "old",
        "road",
        "in",
    ],
    *[
        "spring",
        "rain",
        "falls",
        "green",
        "hills",
        "sing",
        "über",
        "naïve",
        "café",
        "東京",
        "mañana",
        "😀",
        "def",
        "return",
        "import",
        "x",
        "=",
        "1",
        "(",
        ")",
        ",",
        ".",
    ],
    "\n",
)


@dataclass(frozen=True)
class World:
    """Where the tiny things stand."""

    root: Path
    model: Path
    ladder: Path
    corpus: Path

    def content(self, **changes: Any) -> dict[str, Any]:
        """Return a configuration of a whole run without a language model; sections are merged."""
        content: dict[str, Any] = {
            "name": "tiny",
            "subject": str(self.model),
            "site": SITE,
            "dictionaries": [str(self.ladder)],
            "corpus": [f"jsonl:{self.corpus}"],
            "harvest": {"shard_contexts": 16},
            "features": {"n_per_dictionary": 3, "min_held_out": 6, "min_shown": 2},
            "evidence": {"shown_top": 4, "shown_firing": 4, "held_out_firing": 4, "held_out_silent": 4},
            "explain": {"explainers": ["lexical"], "model": "constant:0.3"},
            "score": {"judge": "constant:0.3", "n_shuffled": 1, "n_top": 2, "n_random": 2},
            "certify": {"n_features": 0},
        }
        for name, value in changes.items():
            content[name] = content[name] | value if isinstance(content.get(name), dict) else value
        return content

    def train_content(self, **changes: Any) -> dict[str, Any]:
        """Return a configuration of a ladder of two small widths: 256 steps."""
        return {
            "name": "small",
            "subject": str(self.model),
            "site": SITE,
            "corpus": [f"jsonl:{self.corpus}"],
            "n_tokens": 4096,
            "n_evaluation_contexts": 4,
            "n_cross_entropy_contexts": 2,
            "widths": [8, 16],
            "k": 2.0,
            "batch": 16,
        } | changes

    def config(self, **changes: Any) -> Config:
        return parse_config(self.content(**changes), source="test.toml")

    def toml(self, path: Path, **changes: Any) -> Path:
        """Write the configuration as a TOML file and return its path."""
        return write_toml(path, self.content(**changes))


def write_toml(path: Path, content: dict[str, Any]) -> Path:
    plain = {k: v for k, v in content.items() if not isinstance(v, dict)}
    lines = [f"{k} = {json.dumps(v)}" for k, v in plain.items()]
    for name, section in content.items():
        if isinstance(section, dict):
            lines += [f"[{name}]", *[f"{k} = {json.dumps(v)}" for k, v in section.items()]]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def make_text(number: int, *, n_words: int = 220) -> str:
    """Return a made-up document, the same whenever it is made."""
    return " ".join(WORDS[int(uniform(0, number, i) ** 1.5 * len(WORDS))] for i in range(n_words))


def save_model(folder: Path, texts: list[str]) -> None:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False
    )
    # Emoji and the like are left to single bytes, so that characters are split over tokens.
    tokenizer.train_from_iterator([t.encode("ascii", "ignore").decode() for t in texts], trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>").save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=D_MODEL,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.3,
        bos_token_id=0,
        eos_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def save_dictionary(
    folder: Path, *, width: int, thresholds: Any = None, d_model: int = D_MODEL, metadata: dict[str, Any] | None = None
) -> None:
    """Write a random JumpReLU dictionary in SAE-Lens format, its decoder norms between 0.5 and 2."""
    import torch
    from sae_lens import JumpReLUSAE, JumpReLUSAEConfig
    from sae_lens.saes.sae import SAEMetadata

    made = SAEMetadata(**(metadata or {"site": SITE, "name": f"{folder.parent.name}/{width}"}))
    sae = JumpReLUSAE(JumpReLUSAEConfig(d_in=d_model, d_sae=width, dtype="float32", metadata=made))
    draws = torch.Generator().manual_seed(width)
    with torch.no_grad():
        rows = torch.randn(width, d_model, generator=draws)
        sae.W_enc[:] = torch.nn.functional.normalize(rows, dim=1).T
        sae.W_dec[:] = torch.nn.functional.normalize(rows, dim=1) * torch.linspace(0.5, 2.0, width)[:, None]
        sae.b_enc[:] = 0.0
        sae.b_dec[:] = 0.0
        sae.threshold[:] = torch.zeros(width) if thresholds is None else thresholds
    sae.save_model(folder)


def make_world(root: Path) -> World:
    """Write the tiny model, a ladder of two widths and a corpus of 50 documents."""
    import torch
    from safetensors.torch import load_file, save_file

    world = World(root, root / "model", root / "tiny", root / "corpus.jsonl")
    texts = [make_text(number) for number in range(50)]
    world.corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    save_model(world.model, texts)
    for width in WIDTHS:
        folder = world.ladder / str(width)
        save_dictionary(folder, width=width)
        thresholds = find_thresholds(world, width)
        weights = next(folder.glob("*.safetensors"))
        stored = load_file(weights)
        if width == WIDTHS[0]:
            # A large bias makes one feature fire everywhere.
            stored["b_enc"] = torch.where(torch.arange(width) == EVERYWHERE, 1e3, stored["b_enc"])
        save_file(stored | {"threshold": thresholds}, weights)
    return world


def find_thresholds(world: World, width: int) -> Any:
    """Return thresholds that give each feature its fate on the corpus."""
    import torch

    from autointerp.subject.contexts import cut_contexts
    from autointerp.subject.corpus import read_corpus
    from autointerp.subject.loading import load_dictionary
    from autointerp.subject.model import Site, Subject

    subject, sae = Subject.load(str(world.model)), load_dictionary(world.ladder / str(width)).sae
    contexts = [c for d in read_corpus([f"jsonl:{world.corpus}"]) for c in cut_contexts(subject, d)]
    vectors = [subject.site_vectors([c.token_ids], Site.parse(SITE))[0] for c in contexts]
    projected = (torch.cat(vectors) @ sae.W_enc).sort(dim=0, descending=True).values
    n = len(projected)
    shares = torch.linspace(0.003, 0.03, width)
    found = torch.stack([projected[int(share * n), i] for i, share in enumerate(shares)])
    if width == WIDTHS[0]:
        found[DEAD] = 1e6
        found[EVERYWHERE] = 0.0
        found[THREE_FIRINGS] = projected[2:4, THREE_FIRINGS].mean()
    return found


@dataclass(frozen=True)
class FinishedRun:
    """A run carried out to its report."""

    config: Config
    home: Path
    folder: Path

    def copied(self, home: Path) -> Path:
        """Return the folder of a copy, in a home of its own, its harvest with it."""
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        return home / "runs" / self.folder.name


TABLES = ("features", "evidence", "explanations", "predictions", "scores")


def frames_of(folder: Path) -> dict[str, Any]:
    """Return the tables of a run, rows in one order, the explanations' and scores' times left out."""
    import pandas as pd

    from autointerp.store.parts import read_table

    frames = {}
    for table in TABLES:
        frame = read_table(folder, table)
        order = pd.Series([repr([str(v) for v in row]) for row in frame.itertuples(index=False)]).argsort(kind="stable")
        frames[table] = frame.iloc[order.to_numpy()].reset_index(drop=True)
    return frames
