"""API keys over the API. The first one is made on the command line."""

from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Path, Request
from pydantic import Field

from tracelm.json_model import Model, Moment
from tracelm.server.access.caller import Right
from tracelm.server.access.keys import ApiKey, create_key, list_keys, revoke_key
from tracelm.server.access.rule import Admin, check_sees_all
from tracelm.server.api.models import PREFIX, PROBLEMS
from tracelm.server.state import ServerState

router: Final = APIRouter(prefix=PREFIX, tags=["keys"], responses=PROBLEMS)


_ProjectName: TypeAlias = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class KeyLine(Model):
    """What is known of a key."""

    id: str
    name: str
    rights: list[Right]
    projects: list[str] | None = Field(description="Where; null for everywhere.")
    created_ns: Moment
    revoked_ns: Moment | None


class Keys(Model):
    """All keys."""

    items: list[KeyLine]


class NewKey(Model):
    """What a key shall be."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[ -~]*[!-~][ -~]*$")]
    rights: Annotated[list[Right], Field(min_length=1, max_length=3)]
    projects: Annotated[list[_ProjectName] | None, Field(min_length=1, max_length=100)] = None


class MadeKey(KeyLine):
    """A key that was just made."""

    key: str = Field(description="The key itself. Nobody can read it a second time.")


@router.get("/keys")
def show_keys(request: Request, caller: Admin) -> Keys:
    """List the keys, the newest first."""
    check_sees_all(caller)
    state: ServerState = request.app.state.server
    with state.store.reading() as connection:
        return Keys(items=[_line(each) for each in list_keys(connection)])


@router.post("/keys", status_code=201)
def make_key(request: Request, new: NewKey, caller: Admin) -> MadeKey:
    """Make a key."""
    check_sees_all(caller)
    state: ServerState = request.app.state.server
    with state.store.writing() as connection:
        made, key = create_key(connection, name=new.name, rights=new.rights, projects=new.projects)
    return MadeKey(**dict(_line(made)), key=key)


@router.delete("/keys/{key_id}")
def end_key(request: Request, key_id: Annotated[str, Path(pattern="^[0-9a-f]{12}$")], caller: Admin) -> KeyLine:
    """Revoke a key: it is worth nothing from the next second on."""
    check_sees_all(caller)
    state: ServerState = request.app.state.server
    with state.store.writing() as connection:
        return _line(revoke_key(connection, key_id))


def _line(key: ApiKey) -> KeyLine:
    return KeyLine(
        id=key.id,
        name=key.name,
        rights=list(key.rights),
        projects=None if key.projects is None else list(key.projects),
        created_ns=key.created_ns,
        revoked_ns=key.revoked_ns,
    )
