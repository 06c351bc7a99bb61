"""What one database transaction can reach."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.product.application.ports.activity import Activity
from services.product.application.ports.categories import Categories
from services.product.application.ports.locations import Locations
from services.product.application.ports.products import Products
from services.product.application.ports.requests import Requests
from services.product.application.ports.reservations import Reservations
from services.product.application.ports.search import SearchIndex
from services.product.application.ports.stock_items import StockItems


class Transaction(Protocol):
    """
    What one database transaction can reach.
    """

    @property
    def requests(self) -> Requests: ...

    @property
    def products(self) -> Products: ...

    @property
    def search(self) -> SearchIndex: ...

    @property
    def categories(self) -> Categories: ...

    @property
    def locations(self) -> Locations: ...

    @property
    def stock_items(self) -> StockItems: ...

    @property
    def reservations(self) -> Reservations: ...

    @property
    def activity(self) -> Activity: ...


# Call it to begin. The block commits when it ends and rolls back when it raises.
UnitOfWork = Callable[[], AbstractAsyncContextManager[Transaction]]
