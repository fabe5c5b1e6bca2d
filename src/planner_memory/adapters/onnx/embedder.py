"""The embedder inside the process: a small BERT in 8 bits, run by onnxruntime on the CPU, no download and no key."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from opentelemetry import trace
from tokenizers import Tokenizer

from planner_memory.core.errors import NotStarted, Unavailable
from planner_memory.ports.embedder import Vectors

_SHIPPED = Path(__file__).parent / "all_minilm_l6_v2"
_MODEL, _TOKENIZER, _SUMS = "model.onnx", "tokenizer.json", "SHA256SUMS"
_TOKENS_PER_RUN = 128  # some six short texts, 6 ms: larger runs gain little, and a question that comes meanwhile waits for one
_TEXTS_PER_STEP = 256  # tokenised together, so that texts of like length can share a run
_REMEDY = "Install planner-memory again, or make the model with tools/export_embedder.py."
_SHORT_TEXT = 500  # characters
_LONGEST_TEXT = 20_000  # characters; 256 tokens end long before, and tokenising a book to drop it costs seconds

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")
Run = tuple[list[int], NDArray[np.int64], NDArray[np.int64]]


class OnnxEmbedder:
    """all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957; trained by sentence-transformers), mean-pooled; English, 256 tokens.

    The model is read at the first use. A run has one thread, since a team of them costs a fifth more, and as many runs go on at once as there are
    threads; between two runs of a long list, other callers get their turn.
    """

    def __init__(self, model_dir: Path | None = None, threads: int = 2) -> None:
        """`model_dir` holds model.onnx, tokenizer.json and SHA256SUMS; None takes the one in the package.

        Raises:
            NotStarted: the folder does not hold a model.
        """
        self._folder = model_dir or _SHIPPED
        self._sums = _read_sums(self._folder)
        self._threads = threads
        self.name = f"all-MiniLM-L6-v2-int8@{self._sums[_MODEL][:8]}"
        self.dimension = 384
        self._worker = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="embedder")
        self._loading = threading.Lock()
        self._loaded: tuple[onnxruntime.InferenceSession, Tokenizer] | None = None
        self._tracer = trace.get_tracer("planner_memory")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), 384). Raises NotStarted when the model file is damaged, Unavailable when a run fails."""
        asked: dict[str, str | int] = {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": "local",
            "gen_ai.request.model": self.name,
            "gen_ai.embeddings.dimension.count": self.dimension,
            "planner_memory.texts": len(texts),
        }
        with self._tracer.start_as_current_span(f"embeddings {self.name}", attributes=asked, record_exception=False):
            return await self._vectors(texts)

    async def _vectors(self, texts: Sequence[str]) -> Vectors:
        if len(texts) == 1:  # a question: one visit to the thread, so that nothing else on the loop comes in between
            if self._loaded is None or len(texts[0]) > _SHORT_TEXT:
                return await self._on_worker(self._at_once, texts)
            # A tenth of a millisecond here. In the thread the tokeniser would let go of the interpreter, and what takes it then (a search of the
            # index holds it throughout) would have the model wait instead of working beside it.
            [(_, ids, mask)] = _runs(self._tokenised(texts))
            return await self._on_worker(self._run, ids, mask)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_PER_STEP):
            runs = _runs(await self._on_worker(self._tokenised, texts[start : start + _TEXTS_PER_STEP]))
            await asyncio.gather(*(self._fill(vectors[start : start + _TEXTS_PER_STEP], runs) for _ in range(self._threads)))
        return vectors

    async def _fill(self, vectors: Vectors, runs: Iterator[Run]) -> None:
        """Takes one run after another, beside others that do."""
        for places, ids, mask in runs:
            vectors[places] = await self._on_worker(self._run, ids, mask)

    async def check(self) -> None:
        """Embeds one word."""
        await self.embed(["check"])

    async def close(self) -> None:
        """Frees the model and its thread. Safe to call twice; `embed` raises Unavailable afterwards."""
        self._worker.shutdown(wait=False)
        self._loaded = None

    async def _on_worker(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work, *arguments)
        except RuntimeError as error:  # onnxruntime's errors all derive from it, and a closed executor raises it
            raise Unavailable(f"The embedding model failed: {error}. Try again; `planner-memory doctor` shows whether it recovers.") from error

    def _at_once(self, texts: Sequence[str]) -> Vectors:
        [(_, ids, mask)] = _runs(self._tokenised(texts))
        return self._run(ids, mask)

    def _tokenised(self, texts: Sequence[str]) -> list[list[int]]:
        _, tokenizer = self._model()
        return [tokenizer.encode(text[:_LONGEST_TEXT]).ids for text in texts]

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Vectors:
        session, _ = self._model()
        options = _shrinking() if ids.size > _TOKENS_PER_RUN else None
        embedding: Vectors = session.run(["embedding"], {"input_ids": ids, "attention_mask": mask}, options)[0]
        return embedding

    def _model(self) -> tuple[onnxruntime.InferenceSession, Tokenizer]:
        with self._loading:
            if self._loaded is None:
                for name, expected in self._sums.items():
                    _verify(self._folder / name, expected)
                self._loaded = _session(self._folder / _MODEL), _tokenizer(self._folder / _TOKENIZER)
            return self._loaded


def _runs(token_ids: list[list[int]]) -> Iterator[Run]:
    """Groups texts of like length: (places in the list, ids, mask), the last two of shape (texts, longest of them)."""
    by_length = sorted(range(len(token_ids)), key=lambda place: len(token_ids[place]))
    while by_length:
        run = [by_length.pop(0)]
        while by_length and (len(run) + 1) * len(token_ids[by_length[0]]) <= _TOKENS_PER_RUN:
            run.append(by_length.pop(0))
        ids = np.zeros((len(run), len(token_ids[run[-1]])), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, place in enumerate(run):
            ids[row, : len(token_ids[place])] = token_ids[place]
            mask[row, : len(token_ids[place])] = 1
        yield run, ids, mask


def _read_sums(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / _SUMS).read_text(encoding="ascii").splitlines()
        sums = {name: digest for digest, name in (line.split() for line in lines if line.strip())}
    except (OSError, ValueError) as error:
        raise NotStarted(f"No readable {_SUMS} in {folder}: {error}. {_REMEDY}") from error
    if not {_MODEL, _TOKENIZER} <= sums.keys():
        raise NotStarted(f"{folder / _SUMS} does not name {_MODEL} and {_TOKENIZER}. {_REMEDY}")
    return sums


def _verify(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NotStarted(f"The embedding model cannot be read: {error}. {_REMEDY}") from error
    if found != expected:
        raise NotStarted(f"{path} is damaged: its sha256 is {found}, expected {expected}. {_REMEDY}")


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Without the arena, every larger array is mapped from the system, touched page by page and given back: three times the work of the model itself.
    # It keeps some 7 MB; what a longer text takes is given back after it.
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _shrinking() -> onnxruntime.RunOptions:
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _tokenizer(path: Path) -> Tokenizer:
    return Tokenizer.from_file(str(path))
