"""Moves starts to quarter hours where that costs nothing: people read and keep such times more easily."""

from planner_memory.scheduler_engine.board import Board
from planner_memory.scheduler_engine.jobs import Chunk

QUARTER = 15


def to_quarters(board: Board) -> None:
    """Moves each chunk to the next quarter hour of wall time, else to the one before, when it is free and no task costs more."""
    placed = [(chunk[1], i) for i, chunks in enumerate(board.place) for chunk in chunks or () if chunk[0] >= 0]
    for start, i in sorted(placed, reverse=True):
        if board.jobs[i].fixed_at is None:
            _move(board, i, start)


def _move(board: Board, i: int, start: int) -> None:
    chunks = board.place[i] or ()
    k = next(k for k, chunk in enumerate(chunks) if chunk[1] == start)
    w, _, end = chunks[k]
    off = (start + board.shift[w] + board.ground.quarter_phase) % QUARTER
    home = board.home[i]
    if not off or (home is not None and home == chunks):
        return
    cost = board.cost[i]
    board.lift(i)
    for change in (QUARTER - off, -off):
        moved: tuple[Chunk, ...] = (*chunks[:k], (w, start + change, end + change), *chunks[k + 1 :])
        if board.takes(i, moved):
            asked = board.cost_of(i, moved) + board.moving(i, moved)
            if asked <= cost:
                board.put(i, (asked, moved))
                return
    board.put(i, (cost, chunks))
