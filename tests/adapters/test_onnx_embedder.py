"""The model file and the process around it: checks that only concern the embedder inside the process."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from planner_memory.adapters.onnx import embedder as module
from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.core.errors import NotStarted, Unavailable

SHIPPED = Path(module.__file__).parent / "all_minilm_l6_v2"
EXPECTED = [0.0452, -0.0047, 0.0344, 0.0059, 0.0656, 0.0654, -0.043, 0.123]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def test_the_name_carries_the_checksum_of_the_model() -> None:
    assert OnnxEmbedder().name == "all-MiniLM-L6-v2-int8@" + (SHIPPED / "SHA256SUMS").read_text()[:8]


async def test_it_gives_the_vectors_of_the_float_model() -> None:
    """First eight numbers of PyTorch's float32 answer to this text; eight bits may move each by a little."""
    vector = (await OnnxEmbedder().embed(["Maria asked to move the kickoff to next Thursday."]))[0]
    np.testing.assert_allclose(vector[:8], EXPECTED, atol=0.006)


async def test_padding_does_not_change_a_vector() -> None:
    embedder = OnnxEmbedder()
    short = "tax return"
    batch = [short] + ["the migration plan for the new customer is due on the twelfth"] * 3
    ids, mask = next((ids, mask) for _, ids, mask in module._runs(embedder._tokenised(batch)))
    assert mask.min() == 0, "the texts must share a run for this to test anything"
    assert embedder._run(ids, mask)[0] @ (await embedder.embed([short]))[0] > 0.9995


async def test_a_vector_does_not_depend_on_the_texts_it_is_made_with() -> None:
    texts = ["tax return", "1234567890 !!!! ????", *(f"note {n}: " + "the museum wants its copies back " * (n % 7) for n in range(40))]
    embedder = OnnxEmbedder(threads=3)
    together = await embedder.embed(texts)
    alone = np.concatenate([await embedder.embed([text]) for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.9995


async def test_a_damaged_model_is_refused(copy: Path) -> None:
    content = bytearray((copy / "model.onnx").read_bytes())
    content[1_000_000] ^= 1
    (copy / "model.onnx").write_bytes(content)
    with pytest.raises(NotStarted, match="is damaged: its sha256"):
        await OnnxEmbedder(copy).embed(["text"])


async def test_a_model_that_disappeared_is_named(copy: Path) -> None:
    embedder = OnnxEmbedder(copy)
    (copy / "model.onnx").unlink()
    with pytest.raises(NotStarted, match=r"model\.onnx"):
        await embedder.check()


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="SHA256SUMS"):
        OnnxEmbedder(tmp_path)


async def test_a_closed_embedder_says_so() -> None:
    embedder = OnnxEmbedder()
    await embedder.embed(["text"])
    await embedder.close()
    await embedder.close()
    with pytest.raises(Unavailable):
        await embedder.embed(["text"])


async def test_a_question_does_not_wait_for_a_long_list() -> None:
    embedder = OnnxEmbedder()
    await embedder.check()
    long = asyncio.create_task(embedder.embed(["the quarterly plan of the design team " * 20] * 60))
    await asyncio.sleep(0.05)
    await embedder.embed(["when is the kickoff?"])
    assert not long.done()
    await long


def test_runs_stay_within_their_budget_and_hold_every_text_once() -> None:
    lengths = [3, 256, 40, 40, 7, 120, 120, 200, 5, 256]
    runs = list(module._runs([[7] * length for length in lengths]))
    assert sorted(place for places, _, _ in runs for place in places) == list(range(len(lengths)))
    assert all(len(places) == 1 or ids.size <= module._TOKENS_PER_RUN for places, ids, _ in runs)
    for places, ids, mask in runs:
        assert mask.sum(axis=1).tolist() == [lengths[place] for place in places]
        assert ids.shape == mask.shape


# Not ru_maxrss: a child starts with its parent's.
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
def test_memory_stays_small_and_torch_stays_out() -> None:
    code = """
import asyncio, pathlib, sys
from planner_memory.adapters.onnx.embedder import OnnxEmbedder
async def main():
    embedder = OnnxEmbedder()
    await embedder.embed(["word " * 400] * 12 + ["short"] * 300)
asyncio.run(main())
assert "torch" not in sys.modules and "transformers" not in sys.modules
peak = next(line for line in pathlib.Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM'))
print(int(peak.split()[1]) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) < 200, "MiB at the peak; 140 to 150 when measured"
