"""The gRPC face of the category tree."""

import grpc

from chassis.kernel.clock import Clock
from retail.product.v1 import category_service_pb2 as pb
from retail.product.v1.category_service_pb2_grpc import CategoryServiceServicer
from services.product.application.categories.create_category import create_category
from services.product.application.categories.delete_category import (
    DeleteCategory,
    delete_category,
)
from services.product.application.categories.update_category import update_category
from services.product.application.ports.transaction import UnitOfWork
from services.product.wire import categories, fields


class CategoryServicer(CategoryServiceServicer):
    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def CreateCategory(
        self, request: pb.CreateCategoryRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateCategoryResponse:
        command = categories.create_category_from_wire(request)
        category, tree = await create_category(command, uow=self._uow, clock=self._clock)
        return pb.CreateCategoryResponse(category=categories.category_to_wire(category, tree))

    async def UpdateCategory(
        self, request: pb.UpdateCategoryRequest, context: grpc.aio.ServicerContext
    ) -> pb.UpdateCategoryResponse:
        command = categories.update_category_from_wire(request)
        # What the category would be is known, and checked, only beside what it is.
        with fields.within("category"):
            category, tree = await update_category(command, uow=self._uow)
        return pb.UpdateCategoryResponse(category=categories.category_to_wire(category, tree))

    async def DeleteCategory(
        self, request: pb.DeleteCategoryRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteCategoryResponse:
        category_id = categories.category_id_from_wire(request.category_id)
        await delete_category(DeleteCategory(category_id=category_id), uow=self._uow)
        return pb.DeleteCategoryResponse()

    async def GetCategory(
        self, request: pb.GetCategoryRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetCategoryResponse:
        category_id = categories.category_id_from_wire(request.category_id)
        async with self._uow() as tx:
            tree = await tx.categories.branch(category_id)
        category = categories.category_to_wire(tree.get(category_id), tree)
        return pb.GetCategoryResponse(category=category)

    async def ListCategories(
        self, request: pb.ListCategoriesRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListCategoriesResponse:
        async with self._uow() as tx:
            tree = await tx.categories.tree()
        return pb.ListCategoriesResponse(
            categories=[categories.category_to_wire(category, tree) for category in tree]
        )
