"""Between the limits of accounts and the contract in account_service.proto."""

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from chassis.rpc.money import money_from_wire, money_to_wire
from retail.order.v1 import account_service_pb2 as pb
from services.order.application.accounts.get_account_limits import CountingLimits
from services.order.application.accounts.put_account_limits import PutAccountLimits
from services.order.domain.account_limits import AccountLimits, LimitOutOfRange, OpenOrders
from services.order.domain.values import account_id

# As many as there are codes: of more, one is there twice.
MOST_CURRENCIES = 26**3


class LimitsMissing(InvalidInput):
    pass


def put_account_limits_from_wire(request: pb.PutAccountLimitsRequest) -> PutAccountLimits:
    """
    Raises:
        InvalidInput: Something is missing or malformed; names the field.
    """
    if not request.HasField("limits"):
        raise LimitsMissing("limits is required", field="limits")
    if len(request.limits.open_values) > MOST_CURRENCIES:
        field = "limits.open_values"
        raise LimitOutOfRange(f"{field} has each currency once", field=field)
    return PutAccountLimits(
        account_id=account_id(request.account_id),
        limits=AccountLimits(
            open_orders=request.limits.open_orders,
            open_values=tuple(
                money_from_wire(value, f"limits.open_values[{number}]")
                for number, value in enumerate(request.limits.open_values)
            ),
        ),
    )


def limits_to_wire(limits: AccountLimits) -> pb.AccountLimits:
    return pb.AccountLimits(
        open_orders=limits.open_orders,
        open_values=[money_to_wire(value) for value in limits.open_values],
    )


def used_to_wire(used: OpenOrders) -> pb.AccountLimits:
    values = [Money(value, currency) for currency, value in sorted(used.values.items())]
    return pb.AccountLimits(open_orders=used.count, open_values=map(money_to_wire, values))


def counting_limits_to_wire(limits: CountingLimits) -> pb.GetAccountLimitsResponse:
    return pb.GetAccountLimitsResponse(
        own=limits_to_wire(limits.own) if limits.own else None,
        business=limits_to_wire(limits.business),
        consumer=limits_to_wire(limits.consumer),
        used=used_to_wire(limits.used),
    )
