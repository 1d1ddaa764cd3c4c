"""Names of sae-lens's registry, fetched from a hub: what each release's files say is what fires here."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from children import ENVIRONMENT, carried_out
from hub import hub
from known_weights import (
    GEMMA,
    Array,
    N,
    Weights,
    jumprelu,
    make_weights,
    one_threshold,
    relu,
    times_norm,
    vectors,
    write_sae_lens,
)  # fmt: skip
from safetensors.torch import save_file
from tiny_world import D_MODEL, World, write_toml

from autointerp.store.parts import read_table
from autointerp.subject.loading import load_dictionary

pytestmark = pytest.mark.usefixtures("third_parties")


LOADING = """
import json, sys
import numpy as np, torch
from autointerp.core.errors import AutointerpError
from autointerp.subject.loading import load_dictionary
where, found = sys.argv[1], {}
for name in sys.argv[2:]:
    try:
        d = load_dictionary(name)
    except AutointerpError as error:
        found[name] = {"error": f"{type(error).__name__}: {error}"}
        continue
    x = np.random.default_rng(4).normal(size=(30, d.sae.cfg.d_in)).astype("f4")
    np.save(f"{where}/{len(found)}.npy", d.encode(torch.from_numpy(x)).numpy())
    found[name] = {"name": d.name, "site": d.site, "output": d.output_site, "codes": f"{where}/{len(found)}.npy"}
print(json.dumps(found))
"""

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}


def surroundings(where: Path, **environment: str) -> dict[str, str]:
    """Return an environment with a hub's cache of its own, whatever the machine's says of hubs and proxies."""
    others = {name: value for name, value in ENVIRONMENT.items() if not OF_HUBS.match(name)}
    caches = {"HF_HOME": str(where / "huggingface"), "HF_HUB_CACHE": str(where / "huggingface" / "hub")}
    return others | caches | {"HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"} | environment


OF_HUBS = re.compile(r"HF_|HUGGINGFACE_|TRANSFORMERS_|.*_PROXY$", re.IGNORECASE)


def loaded(names: list[str], where: Path, **environment: str) -> dict[str, dict[str, str]]:
    """Return what becomes of each name in a process of its own: the hub's address is read when it starts."""
    where.mkdir(exist_ok=True)
    command = [sys.executable, "-c", LOADING, str(where), *names]
    out = carried_out(command, environment=surroundings(where, **environment))
    return dict(json.loads(out.splitlines()[-1]))


def tensors(w: Weights, **names: str) -> dict[str, torch.Tensor]:
    """Return the weights by the names of a file; a name ending in ``.T`` is of the transposed."""
    found = {theirs: torch.from_numpy(w[ours]) for ours, theirs in names.items()}
    return {name.removesuffix(".T"): (t.T if name.endswith(".T") else t).contiguous() for name, t in found.items()}


def save(path: Path, found: dict[str, torch.Tensor]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(found, path)


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


# Each release: its files, and what has to be loaded: site, output site, activations before the decoder's norms.
Case = tuple[str, str, Callable[[Path], Array]]
CASES: dict[str, Case] = {}


def release(name: str, site: str, output: str = "") -> Callable[[Callable[[Path], Array]], Callable[[Path], Array]]:
    def named(make: Callable[[Path], Array]) -> Callable[[Path], Array]:
        CASES[f"sae-lens:{name}"] = (site, output or site, make)
        return make

    return named


@release("gpt2-small-res-jb/blocks.8.hook_resid_pre", "residual.8")
def old_sae_lens(root: Path) -> Array:
    """Settings as sae-lens wrote them before its version 6; the release is of a centred stream."""
    w, folder = make_weights(), root / "jbloom" / "GPT2-Small-SAEs-Reformatted" / "blocks.8.hook_resid_pre"
    save(folder / "sae_weights.safetensors", tensors(w, W_enc="W_enc", W_dec="W_dec", b_enc="b_enc", b_dec="b_dec"))
    said = {"hook_point": "blocks.8.hook_resid_pre", "hook_point_layer": 8, "hook_point_head_index": None}
    said |= {"activation_fn_str": "relu", "d_in": 16, "d_sae": N, "dtype": "torch.float32", "model_name": "gpt2-small"}
    write(folder / "cfg.json", said | {"prepend_bos": True, "context_size": 128, "dataset_path": "a/b"})
    centred = vectors() - vectors().mean(axis=1, keepdims=True)
    return times_norm(w, relu(w, centred, shifted=True))


@release("gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6", "embedding")
def gemma_scope_embedding(root: Path) -> Array:
    """Trained on rows of the embedding's table, read as the model scales them."""
    d, n, root_of_d = 2304, 4096, 2304**0.5
    shapes = {"W_enc": (d, n), "W_dec": (n, d), "b_enc": n, "b_dec": d, "threshold": n}
    # As wide as the release says: small weights again and again.
    w = {name: np.resize(make_weights(d)[name], shape) for name, shape in shapes.items()}
    folder = root / "google" / "gemma-scope-2b-pt-res" / "embedding" / "width_4k" / "average_l0_6"
    folder.mkdir(parents=True)
    np.savez(folder / "params.npz", **w)
    return times_norm(w, jumprelu(w, vectors(d) / np.float32(root_of_d), shifted=False)) * np.float32(root_of_d)


@release("gemma-scope-2-270m-pt-res/layer_12_width_16k_l0_small", "residual.13")
def gemma_scope_2(root: Path) -> Array:
    w = make_weights()
    folder = root / "google" / "gemma-scope-2-270m-pt" / "resid_post" / "layer_12_width_16k_l0_small"
    save(folder / "params.safetensors", tensors(w, **{name: name.lower() for name in GEMMA}))
    write(folder / "config.json", {"architecture": "jump_relu", "model_name": "gemma-v3-270m-pt"})
    return times_norm(w, jumprelu(w, vectors(), shifted=False))


@release("gemma-scope-2-270m-pt-transcoders/transcoder/layer_9_width_16k_l0_small_affine", "mlp_in.10", "mlp.10")
def gemma_scope_2_skip_transcoder(root: Path) -> Array:
    """A repository without a configuration: sae-lens reads names and shapes."""
    w = make_weights()
    folder = root / "google" / "gemma-scope-2-270m-pt" / "transcoder" / "layer_9_width_16k_l0_small_affine"
    found = tensors(w, **{name: name.lower() for name in GEMMA})
    save(folder / "params.safetensors", found | {"affine_skip_connection": torch.ones(16, 16)})
    return times_norm(w, jumprelu(w, vectors(), shifted=False))


@release("llama_scope_lxm_8x/l5m_8x", "mlp.6")
def llama_scope(root: Path) -> Array:
    """In bfloat16; one threshold for all, and the scale of its training, which sae-lens's registry knows."""
    from sae_lens.loading.pretrained_saes_directory import get_norm_scaling_factor

    w, folder = make_weights(), root / "fnlp" / "Llama3_1-8B-Base-LXM-8x" / "Llama3_1-8B-Base-L5M-8x"
    names = {"W_enc": "encoder.weight.T", "W_dec": "decoder.weight.T", "b_enc": "encoder.bias", "b_dec": "decoder.bias"}
    scale = get_norm_scaling_factor("llama_scope_lxm_8x", "l5m_8x")
    assert scale
    save(folder / "checkpoints" / "final.safetensors", tensors(w | {"W_enc": w["W_enc"] / np.float32(scale)}, **names))
    said = {"d_model": 16, "d_sae": N, "hook_point_in": "blocks.5.hook_mlp_out", "jump_relu_threshold": 0.5}
    write(folder / "hyperparams.json", said | {"dataset_average_activation_norm": {"in": 4.0}})
    return times_norm(w, one_threshold(w, vectors(), shifted=False)) / np.float32(scale)


@release("mwhanna-qwen3-0.6b-transcoders-lowl0/layer_3", "mlp_in.4", "mlp.4")
def one_file_a_layer(root: Path) -> Array:
    w, folder = make_weights(), root / "mwhanna" / "qwen3-0.6b-transcoders-lowl0"
    save(folder / "layer_3.safetensors", tensors(w, W_enc="W_enc.T", W_dec="W_dec", b_enc="b_enc", b_dec="b_dec"))
    write(folder / "config.yaml", "model_name: Qwen/Qwen3-0.6B\n")
    sizes = {"d_model": 16, "d_feature": N, "batch_size": 128}
    write(folder / "wandb-config.yaml", {name: {"value": value} for name, value in sizes.items()})
    return times_norm(w, relu(w, vectors(), shifted=False))


@release("mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_4", "residual_mid.5", "mlp.5")
def layer_of_a_cross_layer_transcoder(root: Path) -> Array:
    """What one layer writes to all is added up by sae-lens."""
    w, folder = make_weights(), root / "mntss" / "clt-gemma-2-2b-2.5M"
    save(folder / "W_enc_4.safetensors", tensors(w, W_enc="W_enc_4.T", b_enc="b_enc_4", b_dec="b_dec_4"))
    both = torch.from_numpy(np.stack([w["W_dec"] / 4, w["W_dec"] * 3 / 4], axis=1))
    save(folder / "W_dec_4.safetensors", {"W_dec_4": both})
    hooks = "feature_input_hook: hook_resid_mid\nfeature_output_hook: hook_mlp_out\n"
    write(folder / "config.yaml", f"model_name: google/gemma-2-2b\n{hooks}")
    return times_norm(w, relu(w, vectors(), shifted=False))


@release("somebody/saes/blocks.2", "residual.3")
def any_repository(root: Path) -> Array:
    """OWNER/REPOSITORY/FOLDER of SAE-Lens's own format, which no release names."""
    w = make_weights()
    write_sae_lens(root / "somebody" / "saes" / "blocks.2", w, "jumprelu")
    return times_norm(w, jumprelu(w, vectors(), shifted=True))


BROKEN, ABSENT = "sae-lens:somebody/broken/blocks.2", "sae-lens:gpt2-small-res-jb/blocks.9.hook_resid_pre"
# The one converter that reads shapes from the hub whatever is here.
NEEDS_THE_HUB = "sae-lens:mntss-gemma-2-2b-2.5m-clt-as-per-layer/layer_4"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Array]]:
    """A hub's folder with every release, and what each should give."""
    root = tmp_path_factory.mktemp("hub")
    expected = {name: make(root) for name, (_, _, make) in CASES.items()}
    write(root / "somebody" / "broken" / "blocks.2" / "cfg.json", '{"architecture": ')
    # Neighbours whose names begin alike.
    for folder in root.rglob("layer_12_width_16k_l0_small"):
        shutil.copytree(folder, folder.with_name(f"{folder.name}_seed_1"))
    return root, expected


def is_right(name: str, found: dict[str, str], expected: Array) -> None:
    """Fail unless it reads and writes at its sites and fires as it should."""
    assert (found.get("site"), found.get("output")) == CASES[name][:2], (name, found)
    codes = np.load(found["codes"])
    assert 0.02 < (codes > 0).mean() < 0.98
    # Llama Scope is read in bfloat16, and a value may stand on the other side of its threshold.
    is_narrow = "llama_scope" in name
    near = np.isclose(codes, expected, rtol=2e-2 if is_narrow else 1e-4, atol=2e-3)
    assert near.mean() > (0.9 if is_narrow else 0.99999), (name, near.mean())


def test_every_kind_of_release(files: tuple[Path, dict[str, Array]], tmp_path: Path) -> None:
    """Fetched, they fire by the formula of their files; what is not there or is damaged is told apart."""
    with hub(files[0]) as address:
        fetched = loaded([*CASES, BROKEN, ABSENT], tmp_path, HF_ENDPOINT=address)
    for name, expected in files[1].items():
        is_right(name, fetched[name], expected)
    assert re.match("EnvironmentProblem: .* could not be fetched .* run `hf download jbloom/", fetched[ABSENT]["error"])
    assert re.match("SubjectError: .* could not be read .* --force-download`$", fetched[BROKEN]["error"])


def test_what_to_run_where_there_is_a_network(files: tuple[Path, dict[str, Array]], tmp_path: Path) -> None:
    """The command in the message fetches what is needed and no more: without a network the dictionary then loads."""
    refused = loaded([*CASES], tmp_path, **OFFLINE)
    assert "loads only where there is a network" in refused.pop(NEEDS_THE_HUB)["error"]
    with hub(files[0]) as address:
        for told in refused.values():
            _, *rest = shlex.split(re.findall("run `(hf download .*?)`", told["error"])[0])
            command = [str(Path(sys.executable).with_name("hf")), *rest]
            carried_out(command, environment=surroundings(tmp_path, HF_ENDPOINT=address))
    assert not list(tmp_path.rglob("*_seed_1"))
    found = loaded([*refused], tmp_path, **OFFLINE)
    for name in refused:
        is_right(name, found[name], files[1][name])


def test_a_release_is_read_like_its_folder(files: tuple[Path, dict[str, Array]]) -> None:
    """Copied by hand, what a release of Gemma Scope 2 holds has the sites it has when it is fetched."""
    name = "sae-lens:gemma-scope-2-270m-pt-transcoders/transcoder/layer_9_width_16k_l0_small_affine"
    here = load_dictionary(next(files[0].rglob("layer_9_width_16k_l0_small_affine")))
    assert (here.site, here.output_site) == CASES[name][:2]
    np.testing.assert_allclose(here.encode(torch.from_numpy(vectors())).numpy(), files[1][name], atol=1e-4)


def test_harvest_of_a_fetched_dictionary(world: World, tmp_path: Path) -> None:
    """A configuration that names a release: it is fetched, and its features' activations are kept."""
    root, w = tmp_path / "hub", make_weights(D_MODEL)
    folder = root / "jbloom" / "GPT2-Small-SAEs-Reformatted" / "blocks.2.hook_resid_pre"
    save(folder / "sae_weights.safetensors", tensors(w, W_enc="W_enc", W_dec="W_dec", b_enc="b_enc", b_dec="b_dec"))
    said = {"hook_point": "blocks.2.hook_resid_pre", "d_in": D_MODEL, "d_sae": N, "activation_fn_str": "relu"}
    write(folder / "cfg.json", said | {"hook_point_head_index": None, "dtype": "float32", "model_name": "gpt2-small"})
    dictionaries = ["sae-lens:gpt2-small-res-jb/blocks.2.hook_resid_pre"]
    path = write_toml(tmp_path / "c.toml", world.content(dictionaries=dictionaries))
    with hub(root) as address:
        command = [str(Path(sys.executable).with_name("autointerp")), "harvest", str(path), "--plain"]
        command += ["--home", str(tmp_path / "home")]
        carried_out(command, environment=surroundings(tmp_path, HF_ENDPOINT=address))
    rows = read_table(next(tmp_path.glob("home/cache/harvests/*")), "samples")
    assert set(rows["dictionary"]) == {f"gpt2-small-res-jb.blocks.2.hook_resid_pre/{N}"}
    assert rows["feature"].nunique() > N // 2
