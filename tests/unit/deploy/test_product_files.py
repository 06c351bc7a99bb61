import pytest

from deploy.local.product_files import FileUnreadable, RowRefused, fields_of, products_in

HEADER = "handle,title,sku,price,currency,category,publish,attribute:colour,attribute:brand\n"


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "catalog.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_rows_with_one_handle_are_variants_of_one_product(file):
    path = file(
        "\ufeff" + HEADER + "lamp,Lamp,RED,19.99,EUR,A > B; C,yes,red,North\n"
        "cup,Cup,CUP,500,JPY,,no,,\n"
        "lamp,Lamp,BLUE,21,EUR,A > B; C,yes,blue,North\n"
    )

    lamp, cup = products_in(path)

    assert lamp.categories == [("A", "B"), ("C",)]
    wire = lamp.to_wire({("A", "B"): "ab", ("C",): "c"})
    assert [variant.sku for variant in wire.variants] == ["RED", "BLUE"]
    assert [dict(variant.attributes) for variant in wire.variants] == [
        {"colour": "red"},
        {"colour": "blue"},
    ]
    assert dict(wire.attributes) == {"brand": "North"}
    assert list(wire.category_ids) == ["ab", "c"]
    assert wire.publish
    assert cup.to_wire({}).variants[0].price.units == 500


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (HEADER, "has no rows"),
        ("handle,title\n", "has no column sku, price, currency"),
        (HEADER.replace(",", ";"), "semicolons"),
        (HEADER.replace("title,", "title,tilte,"), "unknown column 'tilte'"),
        (HEADER + "lamp,Lamp\n", "line 2: 2 cells, but 9 columns"),
        (HEADER + '"lamp" x,Lamp,A,1,EUR,,,,\n', "line 2"),
        (HEADER + '"lamp,Lamp,A,1,EUR,,,,\n', "line 2"),
        (HEADER.encode() + b"l\xe4mp,Lamp,A,1,EUR,,,,\n", "no UTF-8"),
        (HEADER + "lamp," + "x" * 200_000 + ",A,1,EUR,,,,\n", "line 2"),
    ],
)
def test_a_file_that_is_no_list_of_products_is_refused_with_the_place(file, content, message):
    with pytest.raises(FileUnreadable, match=message):
        products_in(file(content))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileUnreadable, match="cannot be read"):
        products_in(tmp_path / "none.csv")


def test_the_line_of_a_row_is_the_one_on_which_it_begins(file):
    path = file(HEADER + 'lamp,"A\nlamp",A,1,EUR,,,,\n\ncup,Cup,B,1,EUR,,,,\n')

    assert [product.rows[0].line for product in products_in(path)] == [2, 5]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("lamp,Lamp,A,cheap,EUR,,,,", "PRICE_MALFORMED"),
        ("lamp,Lamp,A,1.999,EUR,,,,", "PRICE_MALFORMED"),
        ("lamp,Lamp,A,0,EUR,,,,", "PRICE_MALFORMED"),
        ("lamp,Lamp,A,NaN,EUR,,,,", "PRICE_MALFORMED"),
        ("lamp,Lamp,A,Infinity,EUR,,,,", "PRICE_MALFORMED"),
        ("lamp,Lamp,A,1e999990,EUR,,,,", "PRICE_MALFORMED"),
        ("lamp,Lamp,A,1e999999,EUR,,,,", "PRICE_MALFORMED"),
        ("lamp,Lamp,A,0.001,EUR,,,,", "PRICE_MALFORMED"),
        ("lamp,Lamp,A,1,euro,,,,", "PRICE_MALFORMED"),
        ("lamp,Lamp,A,1,EUR,,perhaps,,", "PUBLISH_MALFORMED"),
        ("lamp,Lamp,A,1,EUR,,,,\nlamp,Lump,B,1,EUR,,,,", "ROWS_DIFFER"),
    ],
)
def test_a_row_that_makes_no_product_says_why(file, row, reason):
    (product,) = products_in(file(f"{HEADER}{row}\n"))

    with pytest.raises(RowRefused) as refusal:
        product.to_wire({})

    assert refusal.value.reason == reason


def test_a_file_changes_what_it_has_columns_for(file):
    bare = file("handle,title,sku,price,currency\nlamp,Lamp,A,1,EUR\n")
    assert fields_of(products_in(bare)).paths == ["title", "variants"]

    full = file("handle,title,sku,price,currency,gtin,retired,attribute:x\nl,L,A,1,EUR,,yes,\n")
    products = products_in(full)
    assert set(fields_of(products).paths) == {
        *("title", "variants", "variants.gtin", "variants.retired"),
        *("attributes", "variants.attributes"),
    }
    assert products[0].to_wire({}).variants[0].retired
