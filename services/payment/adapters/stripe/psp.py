"""The PSP, by Stripe's API."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from chassis.kernel.clock import Clock
from chassis.rpc import deadlines
from chassis.telemetry.logs import stack_of
from chassis.telemetry.tracing import item_span
from services.payment.adapters.stripe.amounts import AmountNotMovable, amount_of
from services.payment.adapters.stripe.authorizations import Authorization
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.adapters.stripe.follow_ups import Capture, Increment, Void
from services.payment.adapters.stripe.metrics import ANSWERS, SECONDS
from services.payment.adapters.stripe.questions import Asked, Question, answer_to
from services.payment.adapters.stripe.refunds import Refund
from services.payment.application.ports import Answers, AuthorizationRequest, FollowUpRequest
from services.payment.domain.values import Approved, Declined, NoAnswer, PspAccount, PspAnswer

log = logging.getLogger(__name__)

# No card can be charged with such an amount; Stripe was not asked.
AMOUNT_NOT_MOVABLE = "amount_not_movable"

Request = AuthorizationRequest | FollowUpRequest
R = TypeVar("R", AuthorizationRequest, FollowUpRequest)
QuestionOf = Callable[[StripeAccount, R], Question[PspAnswer]]

OUTCOMES = {Approved: "approved", Declined: "declined", NoAnswer: "unknown"}


class StripePsp:
    """
    Asks for all of a batch at once, as far as the accounts' connections go. One request that is
    slow or fails keeps nobody else's answer back.

    Args:
        accounts: By their names.
        seconds: How long a batch may take.
    """

    def __init__(
        self, accounts: Mapping[PspAccount, StripeAccount], *, seconds: float, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._seconds = seconds
        self._clock = clock

    async def authorize(self, requests: Sequence[AuthorizationRequest]) -> Answers:
        return await self._answers("authorize", requests, self._authorization)

    async def increment(self, requests: Sequence[FollowUpRequest]) -> Answers:
        return await self._answers("increment", requests, _question(Increment))

    async def capture(self, requests: Sequence[FollowUpRequest]) -> Answers:
        return await self._answers("capture", requests, _question(Capture))

    async def void(self, requests: Sequence[FollowUpRequest]) -> Answers:
        return await self._answers("void", requests, _question(Void))

    async def refund(self, requests: Sequence[FollowUpRequest]) -> Answers:
        return await self._answers("refund", requests, _question(Refund))

    def _authorization(
        self, account: StripeAccount, request: AuthorizationRequest
    ) -> Question[PspAnswer]:
        return Authorization(account=account, request=request, now=self._clock())

    async def _answers(
        self, verb: str, requests: Sequence[R], question_of: QuestionOf[R]
    ) -> Answers:
        began = asyncio.get_running_loop().time()
        deadline = began + deadlines.budget(self._seconds)
        different = {request.key: request for request in requests}
        async with asyncio.TaskGroup() as tasks:
            asked = {
                key: tasks.create_task(self._answer(verb, request, question_of, deadline))
                for key, request in different.items()
            }
        answers = {key: task.result() for key, task in asked.items()}
        unknown = sum(isinstance(answer, NoAnswer) for answer in answers.values())
        if unknown:
            log.warning("the PSP left %d of %d unknown (%s)", unknown, len(answers), verb)
        return answers

    async def _answer(
        self, verb: str, request: R, question_of: QuestionOf[R], deadline: float
    ) -> PspAnswer:
        with SECONDS.labels(verb).time(), item_span(f"psp {verb}", request.payment_id):
            answer = await self._within_bounds(request, question_of, deadline)
        ANSWERS.labels(request.account, verb, OUTCOMES[type(answer)]).inc()
        return answer

    async def _within_bounds(
        self, request: R, question_of: QuestionOf[R], deadline: float
    ) -> PspAnswer:
        if not _is_movable(request):
            return Declined(AMOUNT_NOT_MOVABLE)
        account = self._accounts.get(request.account)
        if account is None:
            log.error("no account at the PSP is configured as %s", request.account)
            return NoAnswer()
        asked = Asked(age=self._clock() - request.requested_at, before=request.asked_before)
        try:
            async with asyncio.timeout_at(deadline):
                return await answer_to(question_of(account, request), asked)
        except TimeoutError:
            log.debug("the PSP has not answered in time")
        except Exception as error:
            log.error("what the PSP answered cannot be read: %s", stack_of(error))
        return NoAnswer()


def _question(
    verb: type[Increment | Capture | Void | Refund],
) -> Callable[[StripeAccount, FollowUpRequest], Question[PspAnswer]]:
    return lambda account, request: verb(account=account, request=request)


def _is_movable(request: Request) -> bool:
    try:
        amount_of(request.amount)
    except AmountNotMovable:
        return False
    return True
