"""The people in whom the tests of accounts believe: an administrator and two members."""

from datetime import timedelta

from chat.accounts.models import Action, Entry, Person, Rank
from tests.contract.stores import START

ANN = Person("ann-id", "Ann", Rank.ADMIN, START)
BOB = Person("bob-id", "Bob", Rank.MEMBER, START + timedelta(seconds=1))
CY = Person("cy-id", "Cy", Rank.MEMBER, START + timedelta(seconds=2))
MADE = Entry(START, "", Action.JOIN)
