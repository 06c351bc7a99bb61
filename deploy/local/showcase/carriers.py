"""
Where the orders of the showcase go: to providers of deploy/providers/providers.toml.

They deliver to countries where nobody else does, so that other providers on the same cluster get no
offers for its orders.
"""

EVERYDAY = "NZ"
TWO_PARCELS = "FJ"
CHOOSY_FIRST = "LU"
LOSES_THEM = "GL"
NOBODY_GOES = "AQ"
