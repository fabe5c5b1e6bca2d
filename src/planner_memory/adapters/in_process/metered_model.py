"""A language model with a purse: every call is counted, kept in a ledger, traced, and refused once the month's budget is spent."""

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import BudgetSpent, PlannerMemoryError, Unavailable
from planner_memory.core.ids import new_id
from planner_memory.ports.language_model import Ask, Completion, LanguageModel, ModelCall, ModelLedger, Usage

log = structlog.get_logger()
_ANSWERED = "answered"
_KEPT_FOR = timedelta(hours=24)  # as long as an Idempotency-Key


class MeteredLanguageModel:
    """Fulfils LanguageModel round another one. Months are those of UTC, as vendors bill them."""

    def __init__(
        self,
        inner: LanguageModel,
        ledger: ModelLedger,
        *,
        monthly_budget_usd: float | None = 200.0,
        provider: str = "openrouter",
        on_call: Callable[[ModelCall], None] | None = None,
        capture_content: bool = False,
        clock: Clock = utc_now,
    ) -> None:
        """`provider` is what spans call the vendor. `capture_content` puts messages and answer into spans: they hold what the person remembers.

        Without a budget nothing is refused. A call that is under way counts as the month's dearest, so that many at once do not overshoot.
        """
        self.name = inner.name
        self._inner = inner
        self._ledger = ledger
        self._budget = monthly_budget_usd
        self._provider = provider
        self._on_call = on_call
        self._capture = capture_content
        self._clock = clock
        self._under_way = 0
        self._tracer = trace.get_tracer("planner_memory")

    async def complete(self, ask: Ask) -> Completion:
        """As LanguageModel. The same request as one whose answer nobody has settled within 24 hours gets that answer, at no cost.

        That is how a process that ended between the model's answer and the plan's commit loses nothing and pays once.
        """
        hashed = _hash(ask, self.name)
        found = await self._ledger.unsettled(hashed, ask.client_id, self._clock() - _KEPT_FOR)
        if found is not None and found.answer is not None:
            return _again(found)
        await self._check_budget()
        self._under_way += 1
        try:
            return await self._called(ask, hashed)
        finally:
            self._under_way -= 1

    async def check(self) -> float | None:
        return await self._inner.check()

    async def _check_budget(self) -> None:
        if self._budget is None:
            return
        now = self._clock().astimezone(UTC)
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        spend = await self._ledger.spent(month)
        if spend.cost_usd + self._under_way * spend.dearest_usd >= self._budget:
            resets = (month + timedelta(days=32)).replace(day=1)
            raise BudgetSpent(
                f"{spend.cost_usd:.2f} of this month's {self._budget:.2f} US dollars for language models are spent. "
                f"Raise PLANNER_MONTHLY_BUDGET_USD, or wait until {resets.date().isoformat()}.",
                budget_usd=self._budget,
                spent_usd=round(spend.cost_usd, 6),
                resets_at=resets.isoformat(),
            )

    async def _called(self, ask: Ask, hashed: str) -> Completion:
        began = time.monotonic()
        with self._tracer.start_as_current_span(
            f"chat {self.name}", kind=SpanKind.CLIENT, attributes=_asked(ask, self.name, self._provider), record_exception=False
        ) as span:
            if self._capture and span.is_recording():
                span.set_attribute("gen_ai.input.messages", json.dumps([_message(m.role, m.content) for m in ask.messages], ensure_ascii=False))
            try:
                completion = await self._inner.complete(ask)
            except PlannerMemoryError as error:
                span.set_status(Status(StatusCode.ERROR, error.title))
                span.set_attribute("error.type", type(error).__name__)
                await self._keep(_call(ask, Usage(self.name, None, None, None, time.monotonic() - began), error.title, hashed, None, self._clock()))
                raise
            self._traced(span, completion)
        answer = None if completion.flaw else json.dumps(completion.document)  # as ASCII, so that no character is one a column refuses
        call = _call(ask, completion.usage, _ANSWERED, hashed, answer, self._clock())
        await self._keep(call)
        return Completion(completion.text, completion.document, completion.usage, completion.flaw, call.id)

    def _traced(self, span: Span, completion: Completion) -> None:
        usage = completion.usage
        values = {
            "gen_ai.response.model": usage.model,
            "gen_ai.usage.input_tokens": usage.input_tokens,
            "gen_ai.usage.output_tokens": usage.output_tokens,
            "gen_ai.usage.cost": usage.cost_usd,
            "gen_ai.response.finish_reasons": ("stop" if completion.flaw is None else "incomplete",),
        }
        span.set_attributes({k: v for k, v in values.items() if v is not None})
        if self._capture and span.is_recording():
            span.set_attribute("gen_ai.output.messages", json.dumps([_message("assistant", completion.text)], ensure_ascii=False))

    async def _keep(self, call: ModelCall) -> None:
        """A call that was made is not lost for a ledger that does not answer: it is logged instead."""
        if self._on_call is not None:
            self._on_call(call)
        try:
            await self._ledger.add(call)
        except Unavailable:
            log.warning("model call not in the ledger", model=call.model, cost_usd=call.cost_usd, tokens=call.output_tokens)


def _hash(ask: Ask, model: str) -> str:
    messages = [(m.role, m.content) for m in ask.messages]
    whole = json.dumps([model, ask.purpose, ask.client_id, ask.person_id, messages, dict(ask.schema)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _again(call: ModelCall) -> Completion:
    text = call.answer or "null"
    return Completion(text, json.loads(text), Usage(call.model, call.input_tokens, call.output_tokens, 0.0, 0.0), None, call.id)


def _call(ask: Ask, usage: Usage, outcome: str, hashed: str, answer: str | None, at: datetime) -> ModelCall:
    return ModelCall(
        id=new_id(),
        purpose=ask.purpose,
        prompt_name=ask.prompt_name,
        prompt_version=ask.prompt_version,
        model=usage.model,
        outcome=outcome,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
        seconds=usage.seconds,
        plan_id=ask.plan_id,
        client_id=ask.client_id,
        person_id=ask.person_id,
        request_hash=hashed,
        answer=answer,
        called_at=at,
    )


def _message(role: str, content: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def _asked(ask: Ask, model: str, provider: str) -> dict[str, str | int]:
    """By the OpenTelemetry semantic conventions for generative AI; what they have no name for is under planner_memory."""
    values: dict[str, str | int | None] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.request.max_tokens": ask.most_tokens,
        "gen_ai.output.type": "json",
        "gen_ai.prompt.name": ask.prompt_name,
        "planner_memory.prompt.version": ask.prompt_version,
        "planner_memory.purpose": ask.purpose,
        "planner_memory.plan_id": str(ask.plan_id) if ask.plan_id else None,
        "planner_memory.client_id": ask.client_id,
    }
    return {k: v for k, v in values.items() if v is not None}
