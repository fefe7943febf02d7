"""Run by alembic: apply the migrations to the connection that `upgrade` passed on."""

from alembic import context

from tracelm.store.migrations import VERSION_TABLE
from tracelm.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
