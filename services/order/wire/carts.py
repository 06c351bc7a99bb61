"""Between carts and the contract in protos/retail/order/v1/cart_service.proto."""

from collections.abc import Mapping
from typing import TypeAlias

from chassis.kernel.ids import parse_id
from chassis.kernel.psp_token import PspToken
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku, check_words, parse_sku
from chassis.rpc.money import money_from_wire, money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from chassis.storage.idempotency import fingerprint_of
from retail.order.v1 import cart_service_pb2 as pb
from services.order.application.carts.add_cart_items import AddCartItem
from services.order.application.carts.change_cart_items import ChangeCartItem
from services.order.application.carts.check_out_carts import CheckOutCart
from services.order.application.carts.create_cart import CreateCart
from services.order.application.carts.merge_carts import MergeCarts
from services.order.application.carts.ports import CartRequest
from services.order.application.carts.remove_cart_items import RemoveCartItem
from services.order.application.carts.shown import ShownCart
from services.order.application.place_orders import PlaceOrder
from services.order.domain.cart import CartId
from services.order.domain.cart_item import CartItem
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId, Channel, account_id
from services.order.wire.address import address_from_wire
from services.order.wire.orders import AddressMissing, charges_from_wire

Mutation: TypeAlias = (
    pb.CreateCartRequest
    | pb.AddCartItemRequest
    | pb.ChangeCartItemRequest
    | pb.RemoveCartItemRequest
    | pb.MergeCartsRequest
    | pb.CheckOutCartRequest
)


def cart_id_from_wire(text: str) -> CartId:
    return CartId(parse_id(text, "cart_id"))


def caller_from_wire(text: str) -> AccountId | None:
    """
    Return the account that calls; `None` if it is nobody yet.
    """
    return account_id(text) if text else None


def create_cart_from_wire(request: pb.CreateCartRequest) -> CreateCart:
    caller = caller_from_wire(request.account_id)
    return CreateCart(request=_request(request, caller or ""), account_id=caller)


def add_cart_item_from_wire(request: pb.AddCartItemRequest) -> AddCartItem:
    cart_id, caller = cart_id_from_wire(request.cart_id), caller_from_wire(request.account_id)
    return AddCartItem(
        request=_request(request, caller or _nobody_with(cart_id)),
        cart_id=cart_id,
        account_id=caller,
        sku=parse_sku(request.sku, "sku"),
        quantity=Quantity(request.quantity),
    )


def change_cart_item_from_wire(request: pb.ChangeCartItemRequest) -> ChangeCartItem:
    cart_id, caller = cart_id_from_wire(request.cart_id), caller_from_wire(request.account_id)
    seen = request.seen_unit_price if request.HasField("seen_unit_price") else None
    return ChangeCartItem(
        request=_request(request, caller or _nobody_with(cart_id)),
        cart_id=cart_id,
        account_id=caller,
        sku=parse_sku(request.sku, "sku"),
        quantity=Quantity(request.quantity) if request.quantity else None,
        seen_price=money_from_wire(seen, "seen_unit_price") if seen else None,
    )


def remove_cart_item_from_wire(request: pb.RemoveCartItemRequest) -> RemoveCartItem:
    cart_id, caller = cart_id_from_wire(request.cart_id), caller_from_wire(request.account_id)
    return RemoveCartItem(
        request=_request(request, caller or _nobody_with(cart_id)),
        cart_id=cart_id,
        account_id=caller,
        sku=parse_sku(request.sku, "sku"),
    )


def merge_carts_from_wire(request: pb.MergeCartsRequest) -> MergeCarts:
    caller = account_id(request.account_id)
    return MergeCarts(
        request=_request(request, caller),
        cart_id=cart_id_from_wire(request.cart_id),
        account_id=caller,
    )


def check_out_cart_from_wire(request: pb.CheckOutCartRequest, *, trace: str) -> CheckOutCart:
    if not request.HasField("ship_to"):
        raise AddressMissing("ship_to is required", field="ship_to")
    order = PlaceOrder(
        request_id=parse_id(request.request_id, "request_id"),
        fingerprint=_fingerprint(request),
        account_id=account_id(request.account_id),
        channel=Channel.CONSUMER,
        lines=(),
        shipping=None,
        discount=None,
        shipping_lines=charges_from_wire(request.shipping_lines, "shipping_lines"),
        discount_lines=charges_from_wire(request.discount_lines, "discount_lines"),
        expected_total=(
            money_from_wire(request.expected_total, "expected_total")
            if request.HasField("expected_total")
            else None
        ),
        psp_token=PspToken(request.psp_token),
        ship_to=address_from_wire(request.ship_to),
        reference=check_words(request.reference, "reference", most=64),
        trace=trace,
    )
    return CheckOutCart(cart_id=cart_id_from_wire(request.cart_id), order=order)


def _request(request: Mutation, caller: str) -> CartRequest:
    return CartRequest(
        caller=caller,
        request_id=parse_id(request.request_id, "request_id"),
        fingerprint=_fingerprint(request),
    )


def _nobody_with(cart_id: CartId) -> str:
    # No account is called so.
    return f"cart/{cart_id}"


def _fingerprint(request: Mutation) -> bytes:
    content = type(request)()
    content.MergeFrom(request)  # type: ignore[arg-type]
    content.ClearField("request_id")
    said = content.SerializeToString(deterministic=True)
    # By kind, as two kinds of request may look alike.
    return fingerprint_of(request.DESCRIPTOR.name.encode() + b"\0" + said)


def cart_to_wire(shown: ShownCart) -> pb.Cart:
    cart, total = shown.cart, shown.cart.total(shown.sold)
    return pb.Cart(
        cart_id=str(cart.id),
        account_id=cart.account_id or "",
        state=f"CART_STATE_{cart.state}",
        items=[_item_to_wire(item, shown.sold) for item in cart.items.values()],
        items_total=money_to_wire(total) if total else None,
        create_time=timestamp_to_wire(cart.created_at),
        update_time=timestamp_to_wire(cart.updated_at),
        expire_time=timestamp_to_wire(cart.expires_at),
        order_id=str(cart.order_id or ""),
        merged_into_cart_id=str(cart.merged_into or ""),
    )


def _item_to_wire(item: CartItem, sold: Mapping[Sku, SoldVariant]) -> pb.CartItem:
    today = sold.get(item.sku)
    price = today.price_of(item.quantity.units) if today else None
    return pb.CartItem(
        sku=item.sku,
        quantity=item.quantity.units,
        title=today.title if today else item.seen.title,
        unit_price=money_to_wire(price) if price else None,
        previous_unit_price=money_to_wire(item.seen_price) if price != item.seen_price else None,
        changes=[f"CART_ITEM_CHANGE_{change}" for change in item.changes_to(today)],
    )
