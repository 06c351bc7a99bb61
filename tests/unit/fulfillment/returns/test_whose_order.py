from retail.order.v1.order_events_pb2 import OrderConfirmed
from services.fulfillment.wire.orders import work_from_wire


def test_whose_order_it_is_stands_in_its_confirmation():
    event = OrderConfirmed(
        order_id="00000000-0000-0000-0000-000000000001",
        account_id="shop-1",
        ship_to={"name": "A. Consignee", "country_code": "GB"},
        goods=[{"sku": "LAMP", "location_id": "leeds", "quantity": 1}],
    )

    assert work_from_wire(event).account_id == "shop-1"
