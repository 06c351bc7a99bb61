"""Carts in memory: copies in, copies out."""

from copy import deepcopy

from chassis.kernel.errors import Conflict
from chassis.storage.idempotency import RequestIdReused
from services.order.domain.cart import CartState


class InMemoryCarts:
    def __init__(self, by_id) -> None:
        self.by_id = deepcopy(by_id)

    async def find(self, cart_ids):
        return {id_: deepcopy(self.by_id[id_]) for id_ in cart_ids if id_ in self.by_id}

    async def lock(self, cart_ids, *, and_open_of=None):
        open_ones = self._open_of(and_open_of) if and_open_of else set()
        return await self.find(sorted({*cart_ids, *open_ones}))

    async def lock_overdue(self, now, *, limit):
        overdue = [cart for cart in self.by_id.values() if cart.expires_at <= now]
        return deepcopy(sorted(overdue, key=lambda cart: cart.expires_at)[:limit])

    async def save(self, carts):
        for cart in carts:
            known = self.by_id.get(cart.id)
            if (known.version if known else 0) != cart.version:
                raise Conflict("the cart has changed meanwhile")
            cart.version += 1
            self.by_id[cart.id] = deepcopy(cart)
            if cart.account_id and len(self._open_of(cart.account_id)) > 1:
                raise Conflict("the account has an open cart")

    async def delete(self, carts):
        for cart in carts:
            del self.by_id[cart.id]

    def _open_of(self, account_id):
        return {
            id_
            for id_, cart in self.by_id.items()
            if cart.account_id == account_id and cart.state is CartState.OPEN
        }


class InMemoryCartRequests:
    def __init__(self, by_key) -> None:
        self.by_key = dict(by_key)

    async def find(self, requests):
        return [self._answer(request) for request in requests]

    async def record(self, requests, *, now):  # noqa: ARG002
        for request, cart_id in requests:
            if request.key in self.by_key:
                raise Conflict("the request was done meanwhile")
            self.by_key[request.key] = request, cart_id

    def _answer(self, request):
        first, cart_id = self.by_key.get(request.key, (request, None))
        same = first.fingerprint == request.fingerprint
        return cart_id if same else RequestIdReused.of(request.request_id)
