"""How parameters are written."""

import pytest

from deploy.psp.forms import expansions_in, form_from, merged, metadata_in
from deploy.psp.refusals import Malformed


def test_names_with_brackets_are_nested():
    form = form_from("amount=1&payment_method_data[card][token]=tok_visa&metadata[a%5Bb]=c")

    assert form["payment_method_data"] == {"card": {"token": "tok_visa"}}


@pytest.mark.parametrize(
    "text",
    ["expand[]=latest_charge&expand[]=customer", "expand[0]=latest_charge&expand[1]=customer"],
)
def test_lists_are_written_with_or_without_numbers(text):
    assert expansions_in(form_from(text)) == {"latest_charge", "customer"}


@pytest.mark.parametrize("text", ["a=1&a[b]=2", "&".join(f"a{n}=1" for n in range(501))])
def test_what_contradicts_itself_or_is_too_much_is_refused(text):
    with pytest.raises(Malformed):
        form_from(text)


def test_metadata_is_merged_and_an_empty_value_unsets():
    given = metadata_in(form_from("metadata[a]=&metadata[b]=2"))

    assert merged({"a": "1", "c": "3"}, given) == {"b": "2", "c": "3"}


def test_metadata_is_bounded():
    with pytest.raises(Malformed):
        merged({str(n): "x" for n in range(50)}, {"one": "more"})
