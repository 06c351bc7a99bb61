"""How often a database is asked."""

from contextlib import contextmanager

from sqlalchemy import event


@contextmanager
def counted(database):
    """
    Gather the statements that *database* is sent for the length of the block, BEGIN and COMMIT
    aside.
    """
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
