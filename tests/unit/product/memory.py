"""The repositories of the product service, in memory."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from chassis.kernel.errors import DomainError, RuleViolated
from chassis.kernel.text import Sku
from services.product.application.ports.activity import ProductActivity
from services.product.application.ports.products import (
    HandleTaken,
    ProductFilter,
    ProductNotFound,
    SkuTaken,
    SoldVariant,
)
from services.product.application.ports.requests import Request
from services.product.application.ports.search import Found, SearchEntry, SearchQuery, entry_of
from services.product.application.ports.stock_items import JournalEntry
from services.product.domain.attributes import inherited
from services.product.domain.category import Category, CategoryTree, DefinitionsOf
from services.product.domain.events import ProductEvent
from services.product.domain.location import Location, LocationNotFound, LocationState
from services.product.domain.movement import StockMovement
from services.product.domain.product import Product, ProductState
from services.product.domain.reservation import Reservation
from services.product.domain.stock_item import StockItem
from services.product.domain.values import (
    CategoryId,
    LocationId,
    Place,
    ProductId,
    ReservationId,
    StockItemId,
    stock_item_id,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MAIN = LocationId("main")


class RequestIdReused(RuleViolated):
    pass


@dataclass
class Tables:
    locations: dict[LocationId, Location] = field(
        default_factory=lambda: {MAIN: Location(id=MAIN, name="Main")}
    )
    requests: dict[tuple[str, UUID], Request] = field(default_factory=dict)
    products: dict[ProductId, Product] = field(default_factory=dict)
    categories: dict[CategoryId, Category] = field(default_factory=dict)
    stock_items: dict[StockItemId, StockItem] = field(default_factory=dict)
    movements: dict[StockItemId, list[StockMovement]] = field(default_factory=dict)
    reservations: dict[ReservationId, Reservation] = field(default_factory=dict)
    entries: dict[ProductId, SearchEntry] = field(default_factory=dict)
    events: list[ProductEvent] = field(default_factory=list)
    views: Counter[tuple[ProductId, date]] = field(default_factory=Counter)
    sold: Counter[tuple[Sku, date]] = field(default_factory=Counter)


class InMemoryTransaction:
    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.requests = InMemoryRequests(tables)
        self.products = InMemoryProducts(tables)
        self.search = InMemorySearchIndex(tables)
        self.categories = InMemoryCategories(tables)
        self.locations = InMemoryLocations(tables)
        self.stock_items = InMemoryStockItems(tables)
        self.reservations = InMemoryReservations(tables)
        self.activity = InMemoryActivity(tables)


class InMemoryRequests:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def claim(
        self,
        requests: Sequence[Request],
        *,
        now: datetime,  # noqa: ARG002
    ) -> Sequence[UUID | DomainError | None]:
        return [self._claim(request) for request in requests]

    def _claim(self, request: Request) -> UUID | DomainError | None:
        first = self._tables.requests.setdefault((request.operation, request.request_id), request)
        if first is request:
            return None
        return first.outcome_id if first.content == request.content else RequestIdReused()

    async def forget(self, requests: Sequence[Request]) -> None:
        for request in requests:
            del self._tables.requests[request.operation, request.request_id]


class InMemoryLocations:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def all(self) -> Sequence[Location]:
        return sorted(self._tables.locations.values(), key=lambda each: (each.priority, each.id))

    async def of(self, ids: Set[LocationId]) -> Mapping[LocationId, Location]:
        return {id_: each for id_, each in self._tables.locations.items() if id_ in ids}

    async def add(self, location: Location) -> Location:
        return self._tables.locations.setdefault(location.id, location)

    async def lock(self, location_id: LocationId) -> Location:
        if location_id not in self._tables.locations:
            raise LocationNotFound(location_id)
        return self._tables.locations[location_id]

    async def save(self, location: Location) -> None:
        self._tables.locations[location.id] = location
        for item in self._tables.stock_items.values():
            if item.location_id == location.id:
                item.priority = location.priority
                item.is_open = location.state is LocationState.OPEN


class InMemoryProducts:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, product_id: ProductId) -> Product:
        if product_id not in self._tables.products:
            raise ProductNotFound(product_id)
        return self._tables.products[product_id]

    async def find(self, ids: Collection[ProductId]) -> Mapping[ProductId, Product]:
        return {id_: product for id_, product in self._tables.products.items() if id_ in ids}

    async def lock(self, product_id: ProductId) -> Product:
        return await self.get(product_id)

    async def unindexed(self, *, limit: int) -> Sequence[Product]:
        missing = [
            product
            for id_, product in self._tables.products.items()
            if product.state is ProductState.ACTIVE and id_ not in self._tables.entries
        ]
        return missing[:limit]

    async def lock_handles(self, handles: Collection[str]) -> Mapping[str, Product]:
        return {p.handle: p for p in self._tables.products.values() if p.handle in handles}

    async def lock_skus(self, skus: Collection[Sku]) -> Sequence[Product]:
        owners = await self.owners(skus)
        return [self._tables.products[id_] for id_ in sorted(set(owners.values()))]

    async def lock_due(self, now: datetime, *, limit: int) -> Sequence[Product]:
        due = [p for p in self._tables.products.values() if p.next_price_at]
        return [p for p in due if p.next_price_at and p.next_price_at <= now][:limit]

    async def owners(self, skus: Collection[Sku]) -> Mapping[Sku, ProductId]:
        return {
            variant.sku: product.id
            for product in self._tables.products.values()
            for variant in product.variants
            if variant.sku in skus
        }

    async def page(
        self, wanted: ProductFilter, *, after: ProductId | None, limit: int
    ) -> Sequence[Product]:
        beyond = [id_ for id_ in sorted(self._tables.products) if not after or id_ > after]
        return [p for id_ in beyond if self._is(p := self._tables.products[id_], wanted)][:limit]

    def _is(self, product: Product, wanted: ProductFilter) -> bool:
        above = {
            id_
            for category_id in product.category_ids
            for id_ in self._tables.categories[category_id].path
        }
        return (
            (wanted.state is None or product.state is wanted.state)
            and (wanted.category_id is None or wanted.category_id in above)
            and (wanted.updated_since is None or product.updated_at >= wanted.updated_since)
        )

    async def sold_variants(self, skus: Sequence[Sku]) -> Sequence[SoldVariant]:
        return [
            SoldVariant(sku=variant.sku, title=product.title, prices=variant.price_list)
            for product in self._tables.products.values()
            for variant in product.variants
            if variant.sku in skus and product.state is ProductState.ACTIVE and not variant.retired
        ]

    async def save(self, product: Product) -> None:
        await self.save_many([product])

    async def save_many(self, products: Sequence[Product]) -> None:
        for product in products:
            if product.untold:
                self._save(product)

    def _save(self, product: Product) -> None:
        others = [p for p in self._tables.products.values() if p.id != product.id]
        taken = {variant.sku for other in others for variant in other.variants}
        if taken & {variant.sku for variant in product.variants}:
            raise SkuTaken(product.title)
        if product.handle and product.handle in {other.handle for other in others}:
            raise HandleTaken(product.handle)
        product.version += 1
        self._tables.products[product.id] = product
        self._tables.events += product.pull_events()
        if product.state is ProductState.ACTIVE:
            self._tables.entries[product.id] = entry_of(product, NOON)


class InMemorySearchIndex:
    """
    Finds titles that hold the words, the newest first.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put(self, entries: Sequence[SearchEntry]) -> None:
        self._tables.entries |= {entry.product_id: entry for entry in entries}

    def remove(self, product_ids: Sequence[ProductId]) -> None:
        for id_ in product_ids:
            self._tables.entries.pop(id_, None)

    async def find(self, query: SearchQuery) -> Found:
        found = [id_ for id_, entry in self._tables.entries.items() if query.words in entry.title]
        shown = sorted(found, reverse=True)[: query.page_size]
        return Found(product_ids=tuple(shown), next=None, total=len(found))


class InMemoryCategories:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def tree(self) -> CategoryTree:
        return CategoryTree(self._tables.categories.values())

    async def branch(self, category_id: CategoryId) -> CategoryTree:
        own = [c for c in self._tables.categories.values() if c.id == category_id]
        above = {id_ for category in own for id_ in category.path}
        return CategoryTree(self._tables.categories[id_] for id_ in above)

    async def lock_tree(self) -> CategoryTree:
        return await self.tree()

    async def definitions(self, ids: Collection[CategoryId]) -> DefinitionsOf:
        known = self._tables.categories
        return {
            id_: inherited(d for above in known[id_].path for d in known[above].attributes)
            for id_ in ids
            if id_ in known
        }

    async def lock_unused(self, category_id: CategoryId) -> bool:
        return not any(
            category_id in product.category_ids
            for product in self._tables.products.values()
            if product.state is not ProductState.ARCHIVED
        )

    async def save(self, categories: Sequence[Category]) -> None:
        for category in categories:
            category.version += 1
            self._tables.categories[category.id] = category
            self._tables.events += category.pull_events()

    async def delete(self, category: Category) -> None:
        del self._tables.categories[category.id]
        self._tables.events += category.pull_events()


class InMemoryStockItems:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def of(self, skus: Sequence[Sku]) -> Sequence[StockItem]:
        return [item for item in self._tables.stock_items.values() if item.sku in skus]

    async def available(self, skus: Sequence[Sku]) -> Mapping[Sku, int]:
        units: Counter[Sku] = Counter()
        for item in await self.of(skus):
            units[item.sku] += item.available
        return units

    async def lock_skus(self, skus: Set[Sku]) -> Sequence[StockItem]:
        return await self.of(list(skus))

    async def lock(self, places: Set[Place]) -> Sequence[StockItem]:
        ids = {stock_item_id(place.sku, place.location_id) for place in places}
        return [item for id_, item in self._tables.stock_items.items() if id_ in ids]

    async def open(
        self, places: Set[Place], *, beside: Set[Place] = frozenset()
    ) -> Sequence[StockItem]:
        for place in places:
            item = StockItem.empty(place)
            location = self._tables.locations[place.location_id]
            item.priority = location.priority
            self._tables.stock_items.setdefault(item.id, item)
        return await self.lock(places | beside)

    async def journal(
        self, sku: Sku, location_id: LocationId | None, *, before: int | None, limit: int
    ) -> Sequence[JournalEntry]:
        raise NotImplementedError("integration tests read the journal")

    async def save(self, items: Sequence[StockItem]) -> None:
        for item in items:
            self._tables.events += item.pull_events()
            self._tables.movements.setdefault(item.id, []).extend(item.pull_movements())


class InMemoryReservations:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def find(self, ids: Set[ReservationId]) -> Mapping[ReservationId, Reservation]:
        return await self.lock(ids)

    async def claim(
        self, begun: Mapping[ReservationId, Reservation]
    ) -> Mapping[ReservationId, Reservation]:
        return {id_: self._tables.reservations.setdefault(id_, r) for id_, r in begun.items()}

    async def lock(self, ids: Set[ReservationId]) -> Mapping[ReservationId, Reservation]:
        return {id_: r for id_, r in self._tables.reservations.items() if id_ in ids}

    async def lock_overdue(
        self, now: datetime, *, limit: int, besides: Set[ReservationId]
    ) -> Mapping[ReservationId, Reservation]:
        known = self._tables.reservations.values()
        overdue = [r for r in known if r.is_overdue(now) and r.id not in besides]
        return {reservation.id: reservation for reservation in overdue[:limit]}

    async def save(self, reservations: Sequence[Reservation]) -> None:
        for reservation in reservations:
            self._tables.reservations[reservation.id] = reservation
            self._tables.events += reservation.pull_events()

    async def forget(self, reservations: Sequence[Reservation]) -> None:
        for reservation in reservations:
            del self._tables.reservations[reservation.id]


class InMemoryActivity:
    """
    Keeps counts at once, and so rolls them back with everything else.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def of(self, product_ids: Sequence[ProductId], *, day: date) -> Sequence[ProductActivity]:
        views = self._tables.views
        return [
            ProductActivity(
                product_id=id_,
                views_today=views[id_, day],
                views=sum(n for (known, _), n in views.items() if known == id_),
            )
            for id_ in product_ids
        ]

    def count_sold(self, units: Mapping[Sku, int], *, day: date) -> None:
        for sku, number in units.items():
            self._tables.sold[sku, day] += number
