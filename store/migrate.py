"""Upgrades a database to the schema of this version, in one transaction."""

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
    """Raises StartupError if a newer version of the app has upgraded it; SQLAlchemyError."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with engine.execution_options(**MIGRATING).begin() as connection:
        current = current_revision(connection)
        if current == scripts.get_current_head():
            # A read-only database opens without an error: fail now, not at the first write.
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
    """The revision id of the last migration applied; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()
