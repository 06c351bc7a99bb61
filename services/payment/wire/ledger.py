"""The books as they are answered: payment_service.proto."""

from chassis.rpc.money import money_to_wire
from retail.payment.v1 import payment_service_pb2 as pb
from services.payment.domain.ledger import Balance


def balance_to_wire(balance: Balance) -> pb.AccountBalance:
    return pb.AccountBalance(
        account=balance.account,
        balance=money_to_wire(balance.amount),
        merchant_id=balance.merchant.text if balance.merchant else "",
    )
