from deploy.local.import_products import MOST_BYTES, Report, batches_of, translated
from deploy.local.product_files import FileProduct, FileRow


def a_product(handle, *, description=""):
    cells = {"handle": handle, "title": "Lamp", "sku": handle, "price": "1", "currency": "EUR"}
    row = FileRow(line=2, cells=cells | {"description": description})
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
