"""Profiles in PostgreSQL."""

from planner_memory.adapters.postgres.database import Database
from planner_memory.core.documents import profile_document, profile_from
from planner_memory.core.profile import Profile


class PostgresProfiles:
    """Fulfils ProfileStore."""

    def __init__(self, database: Database, *, time_zone: str) -> None:
        self._database = database
        self._time_zone = time_zone

    async def profile(self, person_id: str) -> Profile:
        async with self._database.begin() as tx:
            document = await tx.value("profile", person_id=person_id)
        return profile_from(document) if document else Profile(person_id=person_id, time_zone=self._time_zone)

    async def save_profile(self, profile: Profile) -> None:
        async with self._database.begin() as tx:
            await tx.run("save_profile", person_id=profile.person_id, document=profile_document(profile))
