"""The port of regression cases over a SQL database: which query each method runs."""

from store.evaluation import cases as queries
from store.queries import DatabaseStore, Destroy, Read, Write


class DatabaseCases(DatabaseStore):
    """`chat.evaluation.cases.CaseStore` over SQLAlchemy."""

    add = Write(queries.add)
    case = Read(queries.case)
    change = Write(queries.change)
    delete = Destroy(queries.delete_case)

    add_run = Write(queries.add_run)
    end_run = Write(queries.end_run)
    add_result = Write(queries.add_result)
    runs = Read(queries.runs)
    run = Read(queries.run)
    results = Read(queries.results)
    delete_run = Destroy(queries.delete_run)
    judge = Write(queries.judge)
    history = Read(queries.history)
    cases = Read(queries.cases)
