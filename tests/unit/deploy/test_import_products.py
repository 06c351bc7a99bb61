from types import SimpleNamespace

from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from deploy.local.import_products import (
    MOST_BYTES,
    Report,
    batches_of,
    categories_for,
    translated,
)
from deploy.local.product_files import FileProduct, FileRow
from deploy.local.world.patience import CallRefused
from retail.product.v1 import category_service_pb2 as categories_pb


def a_product(handle, *, description="", category=""):
    cells = {"handle": handle, "title": "Lamp", "sku": handle, "price": "1", "currency": "EUR"}
    row = FileRow(line=2, cells=cells | {"description": description, "category": category})
    return FileProduct(handle=handle, rows=[row])


def test_no_batch_is_larger_than_a_message():
    products = [a_product(f"LAMP-{n}", description="灯" * 10_000) for n in range(250)]

    batches = list(batches_of(list(translated(products, {}, Report()))))

    assert sum(len(batch) for batch in batches) == len(products)
    assert all(sum(wire.ByteSize() for _, wire in batch) <= MOST_BYTES for batch in batches)


def test_a_product_larger_than_a_message_is_refused():
    report = Report()

    entries = list(translated([a_product("LAMP", description="x" * MOST_BYTES)], {}, report))

    assert entries == []
    assert [each.reason for each in report.refused] == ["PRODUCT_TOO_LARGE"]


class RacedTree:
    """
    Categories that somebody else makes just before we do.
    """

    def __init__(self):
        self.known = []
        self.category = SimpleNamespace(ListCategories=self.list, CreateCategory=self.create)

    async def list(self, _request):
        return categories_pb.ListCategoriesResponse(categories=self.known)

    async def create(self, request):
        path = [each.path for each in self.known if each.category_id == request.parent_id]
        self.known.append(
            categories_pb.Category(
                category_id=request.name, path=[*(path[0] if path else ()), request.name]
            )
        )
        taken = Status()
        taken.details.add().Pack(ErrorInfo(reason="CATEGORY_NAME_TAKEN"))
        raise CallRefused("CreateCategory", taken)


async def patience(call, request):
    return await call(request)


async def test_a_category_that_another_import_has_made_meanwhile_is_taken():
    report = Report()

    ids = await categories_for([a_product("lamp", category="A > B")], RacedTree(), patience, report)

    assert report.refused == []
    assert ids == {("A",): "A", ("A", "B"): "B"}
