"""Where the person's profile is kept."""

from typing import Protocol

from planner_memory.core.profile import Profile


class ProfileStore(Protocol):
    async def profile(self, person_id: str) -> Profile:
        """The stored profile, or the defaults with the installation's time zone and `confirmed` false."""
        ...

    async def save_profile(self, profile: Profile) -> None: ...
