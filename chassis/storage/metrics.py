"""What can be seen of a service's work on its database, for Prometheus."""

from prometheus_client import Counter

TRANSACTIONS = Counter("waybill_sql_transactions", "Transactions that were begun.")
STATEMENTS = Counter(
    "waybill_sql_statements", "SQL statements sent, BEGIN, COMMIT and ROLLBACK aside."
)
