"""While the database is gone, every route answers 503 with a retry time, and nothing is lost."""

from dataclasses import dataclass

import pytest

from chat.accounts.models import ApiKey, Session, User
from chat.errors import StoreFailed
from tests.house import House, client_of
from tests.memory_users import MemoryUsers


@dataclass
class GoneUsers(MemoryUsers):
    """Accounts whose database does not answer while `gone` is set."""

    gone: bool = False

    async def session(self, token_hash: str) -> tuple[Session, User] | None:
        if self.gone:
            raise StoreFailed
        return await super().session(token_hash)

    async def key(self, token_hash: str) -> tuple[ApiKey, User] | None:
        if self.gone:
            raise StoreFailed
        return await super().key(token_hash)


@pytest.mark.parametrize("path", ["/", "/account", "/api/account/sessions", "/campaigns"])
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_pages_answer_503_with_a_retry_time(path: str, language: str) -> None:
    users = GoneUsers()
    house = House(users=users)
    token = await house.add("root")
    house.clock.advance(seconds=60)  # past what is kept of the session
    users.gone = True
    async with client_of(house.site(), token) as client:
        answer = await client.get(
            path, headers={"Accept": "text/html", "Accept-Language": language}
        )
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    if path.startswith("/api/"):
        assert answer.json()["error"]["code"] == "store_failed"
    else:
        words = {"en": "Nothing that was saved is lost", "zh": "已保存的内容不会丢失"}
        assert words[language] in answer.text
        assert answer.headers["refresh"] == answer.headers["retry-after"]


async def test_programs_get_the_same_503_as_pages() -> None:
    users = GoneUsers(gone=True)
    async with client_of(House(users=users).site()) as client:
        answer = await client.get("/v1/models", headers={"Authorization": "Bearer qc-unknown"})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["error"]["code"] == "store_failed"


async def test_health_checks_and_the_sign_in_page_need_no_database() -> None:
    users = GoneUsers()
    house = House(users=users)
    token = await house.add("root")
    house.clock.advance(seconds=60)
    users.gone = True
    async with client_of(house.site(), token) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/sign-in")).status_code == 200
