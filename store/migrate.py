"""Brings a database to the schema of this version, in one transaction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from chat.errors import StartupError
from store.engines import MIGRATING

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, to: str = "head") -> None:
    """Raises StartupError if a newer version of the app has been here; SQLAlchemyError."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with engine.execution_options(**MIGRATING).begin() as connection:
        current = current_revision(connection)
        if current == scripts.get_current_head():
            # Better now than at the first question: a database that can only be read opens too.
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            return
        known = {script.revision for script in scripts.walk_revisions()}
        if current is not None and current not in known:
            raise StartupError(
                "The database was written by a newer version of this app. "
                "Install that version, or restore the backup made before the upgrade."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def current_revision(connection: Connection) -> str | None:
    """The migration that a database stands at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()
