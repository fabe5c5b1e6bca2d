"""How a task may be cut into chunks."""

from planner_memory.scheduler_engine.jobs import GRID, Job


class Chunking:
    """Every chunk between the bounds, nothing left over; minutes."""

    def __init__(self, minutes: int, smallest: int, largest: int) -> None:
        self.smallest, self.largest = min(smallest, minutes), largest
        self._sizes: list[list[int]] = [[] for _ in range(minutes + 1)]  # by what is left, once it was asked for

    def possible(self, minutes: int) -> bool:
        """Whether that many minutes can be cut into allowed chunks: k chunks cover k·smallest … k·largest."""
        return minutes == 0 or -(-minutes // self.largest) * self.smallest <= minutes

    def sizes(self, left: int) -> list[int]:
        """By the room, up to the largest chunk that may be taken: the largest that fits and leaves something that can still be cut, 0 for none."""
        sizes = self._sizes[left]
        if not sizes:
            sizes.extend(self._size(left, room) for room in range(min(left, self.largest) + 1))
        return sizes

    def _size(self, left: int, room: int) -> int:
        top = room - room % GRID if room < left else room
        return next((size for size in range(top, self.smallest - 1, -GRID) if self.possible(left - size)), 0)


def is_split(job: Job) -> bool:
    """Whether a job has to be cut, or may be."""
    return job.max_chunk < job.minutes or 0 < 2 * job.min_chunk <= job.minutes
