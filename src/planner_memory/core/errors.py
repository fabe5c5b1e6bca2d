"""Every error that may leave a service. Each class is one problem type: its title and status are fixed, its detail says what to do next."""

from typing import Any, ClassVar


class PlannerMemoryError(Exception):
    """Root of all errors that become an RFC 9457 problem."""

    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra  # members added to the problem, JSON-ready


class InvalidInput(PlannerMemoryError):
    """The request cannot be understood or asks for something impossible; `field` names the place."""

    title = "The request is not valid"
    status = 422

    def __init__(self, detail: str, *, field: str | None = None, **extra: Any) -> None:
        super().__init__(detail, **({"errors": [{"field": field, "detail": detail}]} if field else {}), **extra)
        self.field = field


class TooLarge(PlannerMemoryError):
    title = "The request is too large"
    status = 413


class NotFound(PlannerMemoryError):
    title = "Not found"
    status = 404


class Conflict(PlannerMemoryError):
    title = "In conflict with what is there"
    status = 409


class NotAuthenticated(PlannerMemoryError):
    title = "An API key is needed"
    status = 401


class NotAllowed(PlannerMemoryError):
    title = "This key may not do that"
    status = 403


class NotConnected(PlannerMemoryError):
    """A vendor account is missing, expired or refused; a person has to connect it."""

    title = "Not connected"
    status = 401


class Unavailable(PlannerMemoryError):
    """A part that is needed does not answer. Trying again later may help."""

    title = "Not available right now"
    status = 503


class UpstreamTimeout(PlannerMemoryError):
    title = "A service behind this one took too long"
    status = 504


class UpstreamInvalid(PlannerMemoryError):
    title = "A service behind this one gave an unusable answer"
    status = 502


class Refused(PlannerMemoryError):
    """A language model, or its provider, declined to answer. Asking the same again will not help; wording it differently may."""

    title = "The model refused to answer"
    status = 422


class BudgetSpent(PlannerMemoryError):
    """What may be spent on language models this month is spent. Nothing was sent to a vendor."""

    title = "The month's model budget is spent"
    status = 429


class NotStarted(PlannerMemoryError):
    """The process cannot start as configured; the detail names the command or setting that mends it."""

    title = "Cannot start"
    status = 500


class IndexOutdated(NotStarted):
    """The search index was filled by another embedder than the one in use; it has to be built anew, which loses nothing.

    `filled_by`: name and dimension of that embedder, where the index could be opened for it; None when it was laid out otherwise as well.
    """

    def __init__(self, detail: str, *, filled_by: tuple[str, int] | None = None) -> None:
        super().__init__(detail)
        self.filled_by = filled_by
