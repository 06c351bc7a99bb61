"""Categories on the wire."""

from collections.abc import Iterable
from typing import Any

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from retail.product.v1 import category_service_pb2 as pb
from services.product.application.categories.create_category import CreateCategory
from services.product.application.categories.update_category import UpdateCategory
from services.product.domain.attributes import AttributeDefinition, AttributeType
from services.product.domain.category import Branch, Category, CategoryTree
from services.product.domain.values import CategoryId
from services.product.wire.fields import within
from services.product.wire.masks import update_mask_from_wire

CHANGEABLE = {"parent_id", "name", "attributes"}

TYPES = {getattr(pb, f"ATTRIBUTE_TYPE_{type_}"): type_ for type_ in AttributeType}


class AttributeTypeUnknown(InvalidInput):
    pass


def create_category_from_wire(request: pb.CreateCategoryRequest) -> CreateCategory:
    return CreateCategory(
        request_id=parse_id(request.request_id, "request_id"),
        branch=Branch(
            parent_id=parent_id_from_wire(request.parent_id),
            name=request.name,
            attributes=definitions_from_wire(request.attributes),
        ),
    )


def update_category_from_wire(request: pb.UpdateCategoryRequest) -> UpdateCategory:
    fields = update_mask_from_wire(request.update_mask, CHANGEABLE)
    wire = request.category
    changes: dict[str, Any] = {}
    with within("category"):
        if "parent_id" in fields:
            changes["parent_id"] = parent_id_from_wire(wire.parent_id)
        if "name" in fields:
            changes["name"] = wire.name
        if "attributes" in fields:
            changes["attributes"] = definitions_from_wire(wire.attributes)
        return UpdateCategory(
            category_id=category_id_from_wire(wire.category_id), etag=wire.etag, changes=changes
        )


def category_id_from_wire(text: str) -> CategoryId:
    return CategoryId(parse_id(text, "category_id"))


def parent_id_from_wire(text: str) -> CategoryId | None:
    return CategoryId(parse_id(text, "parent_id")) if text else None


def definitions_from_wire(
    wire: Iterable[pb.AttributeDefinition],
) -> tuple[AttributeDefinition, ...]:
    return tuple(
        definition_from_wire(definition, f"attributes[{number}]")
        for number, definition in enumerate(wire)
    )


def definition_from_wire(wire: pb.AttributeDefinition, field: str) -> AttributeDefinition:
    with within(field):
        if wire.type not in TYPES:
            raise AttributeTypeUnknown("type must be one of those there are", field="type")
        return AttributeDefinition(
            name=wire.name,
            type=TYPES[wire.type],
            unit=wire.unit,
            choices=tuple(wire.choices),
            required=wire.required,
        )


def category_to_wire(category: Category, tree: CategoryTree) -> pb.Category:
    return pb.Category(
        category_id=str(category.id),
        parent_id=str(category.parent_id or ""),
        name=category.name,
        attributes=[
            pb.AttributeDefinition(
                name=definition.name,
                type=f"ATTRIBUTE_TYPE_{definition.type}",
                unit=definition.unit,
                choices=definition.choices,
                required=definition.required,
            )
            for definition in category.attributes
        ],
        etag=category.etag,
        path=tree.names_of(category),
    )
