"""The goods on the invoices, brought into a cluster before they are ordered."""

from argparse import Namespace
from hashlib import sha256

from deploy.local.invoices.mapping import Mapping
from deploy.local.progress import progress
from deploy.local.world.catalogue import Delivery, offer_products, receive
from deploy.local.world.patience import Patience
from deploy.local.world.services import Services


async def bring_goods(
    mapping: Mapping, *, name: str, arguments: Namespace, services: Services, patience: Patience
) -> None:
    """
    Have all products of *mapping* on sale and in stock, those that are to be short by half.

    Args:
        name: Of the replay: the same brings its goods in once.
    """
    products = mapping.products
    done = 0
    with progress("products", len(products), quiet=arguments.json) as tell:

        def advance(count: int) -> None:
            nonlocal done
            done += count
            tell(done, "")

        await offer_products(products, services=services, patience=patience, advance=advance)
    short = arguments.short
    await receive(
        (
            Delivery(
                sku=sku, location_id="main", units=count // 2 if is_short(sku, short) else count
            )
            for sku, count in sorted(mapping.units.items())
            if count > 1 or not is_short(sku, short)
        ),
        occasion=f"replay {name} {short}",
        services=services,
        patience=patience,
    )


def is_short(sku: str, share: float) -> bool:
    """
    Choose *share* of all SKUs: always the same ones.
    """
    return int.from_bytes(sha256(sku.encode()).digest()[:4]) < share * 2**32
