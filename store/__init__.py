"""The only home of SQL: conversations on disk, each row with its owner."""
