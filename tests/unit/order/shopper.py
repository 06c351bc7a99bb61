"""Somebody with a cart, in memory."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from chassis.kernel.errors import DomainError
from chassis.kernel.quantity import Quantity
from services.order.application.carts.add_cart_items import AddCartItem, add_cart_items
from services.order.application.carts.change_cart_items import ChangeCartItem, change_cart_items
from services.order.application.carts.check_out_carts import CheckOutCart, check_out_carts
from services.order.application.carts.create_cart import CreateCart, create_cart
from services.order.application.carts.get_cart import get_cart
from services.order.application.carts.merge_carts import MergeCarts, merge_carts
from services.order.application.carts.ports import CartRequest
from services.order.application.carts.remove_cart_items import RemoveCartItem, remove_cart_items
from services.order.domain.cart import Lifetimes
from services.order.domain.values import Channel

LIFETIMES = Lifetimes(account=timedelta(days=90), anonymous=timedelta(days=14))


class Shopper:
    """
    Calls the use cases for one account, or for nobody: each time under a new request id, unless a
    test gives one.
    """

    def __init__(self, world, account_id=None) -> None:
        self.world = world
        self.account_id = account_id
        self._world = {"uow": world.uow, "catalog": world, "clock": world.clock}
        self._requests = 0

    def request(self, request_id=None, said=b""):
        if request_id is None:
            self._requests += 1
            request_id = self._requests
        caller = self.account_id or "cart/1"
        return CartRequest(caller=caller, request_id=UUID(int=request_id), fingerprint=said)

    async def create(self, **asked):
        command = CreateCart(request=self.request(**asked), account_id=self.account_id)
        return (await create_cart(command, lifetimes=LIFETIMES, **self._world)).cart

    async def get(self, cart):
        return await get_cart(cart.id, self.account_id, **self._world)

    def add_command(self, cart, sku, units, **asked):
        said = f"add {sku} {units}".encode()
        return AddCartItem(
            request=self.request(**{"said": said, **asked}),
            cart_id=cart.id,
            account_id=self.account_id,
            sku=sku,
            quantity=Quantity(units),
        )

    async def add_all(self, *commands):
        return await add_cart_items(commands, lifetimes=LIFETIMES, **self._world)

    async def add(self, cart, sku, units=1, **asked):
        return only(await self.add_all(self.add_command(cart, sku, units, **asked)))

    async def change(self, cart, sku, units, *, seen=None):
        command = ChangeCartItem(
            request=self.request(),
            cart_id=cart.id,
            account_id=self.account_id,
            sku=sku,
            quantity=Quantity(units) if units else None,
            seen_price=seen,
        )
        return only(await change_cart_items([command], lifetimes=LIFETIMES, **self._world))

    async def remove(self, cart, sku):
        command = RemoveCartItem(
            request=self.request(), cart_id=cart.id, account_id=self.account_id, sku=sku
        )
        return only(await remove_cart_items([command], lifetimes=LIFETIMES, **self._world))

    async def merge(self, cart, **asked):
        command = MergeCarts(
            request=self.request(**asked), cart_id=cart.id, account_id=self.account_id
        )
        return (await merge_carts(command, lifetimes=LIFETIMES, **self._world)).cart

    def checkout(self, cart, sound, **changes):
        """
        Return a wish to check out, like *sound* (a wish for an order) but for its *changes*.
        """
        basics = {"account_id": self.account_id, "channel": Channel.CONSUMER, "lines": ()}
        return CheckOutCart(cart_id=cart.id, order=replace(sound, **{**basics, **changes}))

    async def check_out(self, *commands):
        return await check_out_carts(commands, **self._world)


def only(answers):
    (answer,) = answers
    if isinstance(answer, DomainError):
        raise answer
    return answer
