"""What any version has written is still understood, and what a newer one adds is passed on."""

from collections import defaultdict
from dataclasses import replace
from itertools import combinations

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet

from scripts.golden import (
    CORPUS,
    TODAY,
    VERSION,
    RecordBroken,
    is_understood,
    meaning_of,
    messages,
    read_corpus,
    records_of_today,
    write_corpus,
)

TODAYS_RECORDS = records_of_today()
RECORDED = [
    pytest.param(record, id=f"{folder.name}-{record.message}")
    for folder in sorted(CORPUS.iterdir())
    for record in read_corpus(folder)
]
EVENTS = [record for record in TODAYS_RECORDS if "meta" in record.means]

# Field 2000, a varint of 7, and field 2001, the text "new": none of ours has so high a number.
UNKNOWN = b"\x80\x7d\x07" + b"\x8a\x7d\x03new"
UNKNOWN_FIELDS = {2000: 7, 2001: b"new"}


def record_named(name):
    return next(record for record in TODAYS_RECORDS if record.message == name)


def fields_unknown_to(message):
    return {field.field_number: field.data for field in UnknownFieldSet(message)}


def field_of(definition, name):
    return next(field for field in definition.field if field.name == name)


def contracts_where(message, change):
    """
    Return the contracts as they would be if *change* were made to the definition of *message*.
    """
    pool = DescriptorPool()

    def add(file):
        for dependency in file.dependencies:
            add(dependency)
        definition = FileDescriptorProto()
        file.CopyToProto(definition)
        for one in definition.message_type:
            if f"{definition.package}.{one.name}" == message:
                change(one)
        pool.Add(definition)

    add(TODAY.FindMessageTypeByName(message).file)
    return pool


@pytest.mark.parametrize("record", RECORDED)
def test_every_recorded_message_is_still_understood(record):
    assert is_understood(record), f"now it is read as {meaning_of(record)}"


def test_the_corpus_of_this_version_is_complete():
    assert read_corpus(CORPUS / VERSION) == TODAYS_RECORDS, "run `make golden`"


def test_the_records_of_a_message_set_every_field_of_it():
    said = defaultdict(set)
    for record in TODAYS_RECORDS:
        said[record.message] |= record.means.keys()

    assert said == {
        message.full_name: {field.name for field in message.fields} for message in messages()
    }


@pytest.mark.parametrize("record", TODAYS_RECORDS, ids=lambda record: record.message)
def test_fields_of_a_newer_version_are_passed_on(record):
    message = GetMessageClass(TODAY.FindMessageTypeByName(record.message))

    read = message.FromString(record.wire + UNKNOWN)
    passed_on = message.FromString(read.SerializeToString())

    assert fields_unknown_to(passed_on) == UNKNOWN_FIELDS
    assert is_understood(replace(record, wire=passed_on.SerializeToString()))


@pytest.mark.parametrize("record", EVENTS, ids=lambda record: record.message)
def test_fields_of_a_newer_version_are_passed_on_inside_another_message(record):
    message = GetMessageClass(TODAY.FindMessageTypeByName(record.message))
    # A field that comes twice is merged: this adds to the `meta` that is there.
    more_meta = b"\x0a" + bytes([len(UNKNOWN)]) + UNKNOWN

    read = message.FromString(record.wire + more_meta)
    passed_on = message.FromString(read.SerializeToString())

    assert fields_unknown_to(passed_on.meta) == UNKNOWN_FIELDS
    assert is_understood(replace(record, wire=passed_on.SerializeToString()))


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.full_name)
def test_no_two_fields_can_change_places_unseen(message):
    records = [record for record in TODAYS_RECORDS if record.message == message.full_name]

    for one, other in combinations(message.fields, 2):
        if one.type == other.type == FieldDescriptorProto.TYPE_BOOL:
            continue  # both are true wherever they are set

        def swap(definition, one=one.name, other=other.name):
            this, that = field_of(definition, one), field_of(definition, other)
            this.number, that.number = that.number, this.number

        contracts = contracts_where(message.full_name, swap)

        assert not all(is_understood(record, contracts) for record in records), (
            f"{one.name} and {other.name}"
        )


@pytest.mark.parametrize(
    ("message", "field", "type_"),
    [
        ("retail.order.v1.OrderPlaced", "order_id", FieldDescriptorProto.TYPE_BYTES),
        ("retail.order.v1.OrderPlaced", "order_id", FieldDescriptorProto.TYPE_INT64),
        ("retail.order.v1.OrderedGoods", "quantity", FieldDescriptorProto.TYPE_INT32),
        ("retail.order.v1.OrderedGoods", "quantity", FieldDescriptorProto.TYPE_SINT64),
        ("retail.order.v1.OrderedGoods", "quantity", FieldDescriptorProto.TYPE_DOUBLE),
        ("retail.fulfillment.v1.Provider", "suspended", FieldDescriptorProto.TYPE_INT32),
    ],
)
def test_no_field_can_change_its_type_unseen(message, field, type_):
    def change(definition):
        field_of(definition, field).type = type_

    assert not is_understood(record_named(message), contracts_where(message, change))


def test_no_field_can_be_taken_away_unseen():
    def take_away(definition):
        definition.field.remove(field_of(definition, "reason"))

    record = record_named("retail.order.v1.OrderRejected")

    assert not is_understood(record, contracts_where(record.message, take_away))


def test_a_field_can_be_added():
    def add(definition):
        definition.field.add(name="added_later", number=99, type=FieldDescriptorProto.TYPE_STRING)

    record = record_named("retail.order.v1.OrderRejected")

    assert is_understood(record, contracts_where(record.message, add))


def test_what_is_recorded_is_not_written_over(tmp_path):
    write_corpus(tmp_path, TODAYS_RECORDS)
    address = record_named("retail.common.v1.Address")
    # The same fields in another order.
    turned = replace(address, wire=address.wire[8:] + address.wire[:8])

    with pytest.raises(RecordBroken, match=r"retail\.common\.v1\.Address"):
        write_corpus(tmp_path, [turned])

    assert read_corpus(tmp_path) == TODAYS_RECORDS
