"""
Search: an entry per product for sale, their prices, and the words that they have.

Products that are for sale already enter the index when a worker starts.
"""

from chassis.storage.migrations import execute

revision = "0005"
down_revision = "0004"

# Without a pending list, which every search would have to read through.
ENTRIES = (
    """
CREATE TABLE search_entries (
    product_id uuid CONSTRAINT pk_search_entries PRIMARY KEY
        CONSTRAINT fk_search_entries_product_id_products REFERENCES products (id),
    title text NOT NULL,
    document tsvector NOT NULL,
    category_ids uuid[] NOT NULL,
    attributes text[] NOT NULL,
    created_at timestamptz NOT NULL
)
""",
    "CREATE INDEX ix_search_entries_document ON search_entries"
    " USING gin (document) WITH (fastupdate = off)",
    "CREATE INDEX ix_search_entries_category_ids ON search_entries"
    " USING gin (category_ids) WITH (fastupdate = off)",
    "CREATE INDEX ix_search_entries_attributes ON search_entries"
    " USING gin (attributes) WITH (fastupdate = off)",
)

PRICES = (
    """
CREATE TABLE search_prices (
    product_id uuid NOT NULL
        CONSTRAINT fk_search_prices_product_id_search_entries
        REFERENCES search_entries (product_id) ON DELETE CASCADE,
    currency text NOT NULL,
    lowest bigint NOT NULL,
    highest bigint NOT NULL,
    CONSTRAINT pk_search_prices PRIMARY KEY (product_id, currency)
)
""",
    "CREATE INDEX ix_search_prices_lowest ON search_prices (currency, lowest, product_id DESC)",
    "CREATE INDEX ix_search_prices_highest"
    " ON search_prices (currency, highest DESC, product_id DESC)",
)

WORDS = (
    """
CREATE TABLE search_words (
    word text COLLATE "C" CONSTRAINT pk_search_words PRIMARY KEY,
    stem text COLLATE "C" NOT NULL
)
""",
    "CREATE INDEX ix_search_words_stem ON search_words (stem)",
)

# What finds similar words: left out where the server does not have it, or does not allow it.
TRIGRAMS = """
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX IF NOT EXISTS ix_search_words_trigrams
        ON search_words USING gist (word gist_trgm_ops);
EXCEPTION WHEN undefined_file OR insufficient_privilege OR feature_not_supported
        OR undefined_object THEN
    RAISE NOTICE 'without pg_trgm, searches forgive no typing errors: %', SQLERRM;
END
$$
"""


def upgrade() -> None:
    execute([*ENTRIES, *PRICES, *WORDS, TRIGRAMS])
