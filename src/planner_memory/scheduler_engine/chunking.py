"""How a task may be cut into chunks."""

from planner_memory.scheduler_engine.jobs import GRID, Job


class Chunking:
    """Every chunk between the bounds, nothing left over; minutes."""

    def __init__(self, minutes: int, smallest: int, largest: int) -> None:
        self.smallest, self.largest = min(smallest, minutes), largest
        self.taken: dict[tuple[int, int], int] = {}  # what `take` has answered, by what is left and the room

    def possible(self, minutes: int) -> bool:
        """Whether that many minutes can be cut into allowed chunks: k chunks cover k·smallest … k·largest."""
        return minutes == 0 or -(-minutes // self.largest) * self.smallest <= minutes

    def take(self, left: int, room: int) -> int:
        """The largest chunk that fits the room and leaves something that can still be cut; 0 when there is none."""
        key = (left, room)
        found = self.taken.get(key)
        if found is None:
            top = min(left, room, self.largest)
            top -= top % GRID if top < left else 0
            found = next((size for size in range(top, self.smallest - 1, -GRID) if self.possible(left - size)), 0)
            self.taken[key] = found
        return found


def is_split(job: Job) -> bool:
    """Whether a job has to be cut, or may be."""
    return job.max_chunk < job.minutes or 0 < 2 * job.min_chunk <= job.minutes
