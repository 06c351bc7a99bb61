"""
A catalog people can work with: categories, handles, media, prices for a time or a quantity.

Safe under a running service: what is added has defaults, and nothing is rewritten.
"""

from chassis.storage.migrations import execute

revision = "0003"
down_revision = "0002"

# A deleted category stays as a tombstone: nobody is given its id again, and the count of its
# events is known.
CATEGORIES = (
    """
CREATE TABLE categories (
    id uuid CONSTRAINT pk_categories PRIMARY KEY,
    version integer NOT NULL,
    event_count bigint NOT NULL,
    trace text NOT NULL,
    parent_id uuid CONSTRAINT fk_categories_parent_id_categories REFERENCES categories (id),
    name text NOT NULL,
    attributes jsonb NOT NULL,
    path uuid[] NOT NULL,
    deleted boolean NOT NULL,
    CONSTRAINT ck_categories_path CHECK (path[cardinality(path)] = id)
)
""",
    "CREATE INDEX ix_categories_path ON categories USING gin (path)",
    """
CREATE UNIQUE INDEX uq_categories_name
    ON categories (coalesce(parent_id, '00000000-0000-0000-0000-000000000000'), name)
    WHERE NOT deleted
""",
)

PRODUCTS = (
    """
ALTER TABLE products
    ADD COLUMN handle text NOT NULL DEFAULT '',
    ADD COLUMN category_ids uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN media jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN next_price_at timestamptz
""",
    "CREATE UNIQUE INDEX uq_products_handle ON products (handle) WHERE handle <> ''",
    "CREATE INDEX ix_products_category_ids ON products USING gin (category_ids)",
    "CREATE INDEX ix_products_updated_at ON products (updated_at)",
    """
CREATE INDEX ix_products_next_price_at ON products (next_price_at)
    WHERE next_price_at IS NOT NULL
""",
)

# Variants may change places: a constraint on them would be checked halfway.
VARIANTS = (
    """
ALTER TABLE variants
    ADD COLUMN prices jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN retired boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT uq_variants_product_id
""",
    "CREATE INDEX ix_variants_product_id ON variants (product_id, position)",
)


def upgrade() -> None:
    execute([*CATEGORIES, *PRODUCTS, *VARIANTS])
