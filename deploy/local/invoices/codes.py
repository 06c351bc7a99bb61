"""What stands on invoices without being goods. Codes are compared in capitals."""

SHIPPING_CODES = {"POST", "DOT", "C2"}
DISCOUNT_CODES = {"D"}
NO_PRODUCTS = {
    "M": "manual entry",
    "S": "samples",
    "BANK CHARGES": "bank charges",
    "AMAZONFEE": "marketplace fee",
    "CRUK": "donation",
    "PADS": "pads to match cushions",
}
NO_PRODUCT_PREFIXES = {"GIFT_": "gift voucher", "DCGS": "oddment"}


def why_no_product(code: str) -> str:
    """
    Say what *code* stands for if it is neither goods nor postage nor a discount; nothing if it is.
    """
    if kind := NO_PRODUCTS.get(code):
        return f"no product: {kind}"
    for prefix, kind in NO_PRODUCT_PREFIXES.items():
        if code.startswith(prefix):
            return f"no product: {kind}"
    return ""
