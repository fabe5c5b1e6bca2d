"""Text in, unit vectors out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors of length one.

    `name` identifies model and version: vectors of two names must never meet in one collection. `dimension` belongs to the embedder.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One row per text, in order: shape (len(texts), dimension), float32, each of length 1. No texts give shape (0, dimension).

        Texts longer than the model reads are cut. Any number of texts may be given; the adapter makes its own batches.

        Raises:
            Unavailable: the model or its service does not answer.
            NotConnected: the service refuses the key.
            UpstreamInvalid: its answer cannot be used.
        """
        ...

    async def check(self) -> None:
        """Returns when the embedder answers; raises as `embed` does."""
        ...
