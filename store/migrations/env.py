"""Run by Alembic for each upgrade, on the connection and in the transaction of the caller."""

from alembic import context

from store.schema.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
    transactional_ddl=True,  # also on SQLite, whose transactions we begin ourselves
)
with context.begin_transaction():
    context.run_migrations()
