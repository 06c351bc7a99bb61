"""
The postings of the ledger are checked once for each statement that adds some.

Each posting was checked by itself at the commit, by a query of its own: four for an order.
"""

from chassis.storage.migrations import execute

revision = "0003"
down_revision = "0002"

# What balances stays balanced if only what balances is added to it. That an entry has postings at
# all is still checked at the commit, for each entry.
BALANCED_POSTINGS = (
    "DROP TRIGGER ck_ledger_balanced ON ledger_postings",
    """
CREATE FUNCTION demand_balanced_postings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unbalanced uuid;
BEGIN
    SELECT entry_id INTO unbalanced FROM added
    GROUP BY entry_id, currency HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % does not balance', unbalanced
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_balanced';
    END IF;
    RETURN NULL;
END
$$
""",
    """
CREATE TRIGGER ck_ledger_balanced AFTER INSERT ON ledger_postings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION demand_balanced_postings()
""",
)


def upgrade() -> None:
    execute(BALANCED_POSTINGS)
