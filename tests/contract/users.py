"""The users of the contract tests: an administrator and two members."""

from datetime import timedelta

from chat.accounts.models import AccountRole, Action, AuditEntry, User
from tests.contract.stores import START

ANN = User("ann-id", "Ann", AccountRole.ADMIN, START)
BOB = User("bob-id", "Bob", AccountRole.MEMBER, START + timedelta(seconds=1))
CY = User("cy-id", "Cy", AccountRole.MEMBER, START + timedelta(seconds=2))
JOINED = AuditEntry(START, "", Action.JOIN)
