"""A function of a client library, replaced by one that records, and put back."""

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

from tracelm.trace.safely import safely


def patch(owner: Any, name: str, recording: Callable[[Any, Callable[[], bool]], Any]) -> Callable[[], None]:
    """Replace what stands under a name.

    Args:
        owner: A class or a module.
        name: Of the method or function.
        recording: Makes what stands in its place, of the original and of what says whether recording is on.

    Returns:
        What undoes it.
    """
    original = own(owner).get(name)
    is_on = True
    # On the class itself; the method may stand in a base class that has other children. A plain function in its
    # place: a wrapper object would be made anew for each call.
    method = getattr(owner, name)
    is_inherited = original is None and inspect.isfunction(method)
    patched = recording(_inherited(owner, name, method) if is_inherited else method, lambda: is_on)
    setattr(owner, name, patched)

    def undo() -> None:
        # What somebody else has put on top of ours stays; ours below it is off, for good.
        nonlocal is_on
        is_on = False
        if own(owner).get(name) is not patched:
            return
        if original is None:
            delattr(owner, name)
        else:
            setattr(owner, name, original)

    return undo


def _inherited(owner: Any, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return what calls the method that an object has behind a class: its own class may have put one in between."""

    @functools.wraps(method)
    def inherited(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(cast("Any", super(owner, self)), name)(*args, **kwargs)

    return inherited


def patch_when_imported(
    module: str,
    owner: str,
    name: str,
    recording: Callable[[Any, Callable[[], bool]], Any],
    *,
    undo: list[Callable[[], None]],
    is_wanted: Callable[[], bool],
) -> None:
    """Replace something now, or once the program imports the module in which it stands.

    Args:
        module: Its name.
        owner: The class in it; empty for the module itself.
        name: Of the method or function.
        recording: As for `patch`.
        undo: Takes what undoes it.
        is_wanted: Whether it is still wanted when the module comes: the hook of an import cannot be taken back.

    Raises:
        AttributeError: The module is imported, and has no such class or name.
    """

    def replace(held: Any) -> None:
        undo.append(patch(getattr(held, owner) if owner else held, name, recording))

    def imported(held: Any) -> None:
        with safely(f"patch {module}"):
            if is_wanted():
                replace(held)

    if module in sys.modules:
        replace(sys.modules[module])
    else:
        from wrapt import register_post_import_hook

        register_post_import_hook(imported, module)


def own(owner: Any) -> Mapping[str, Any]:
    """Return what stands on a class or a module itself, not on the bases of a class."""
    return cast("Mapping[str, Any]", vars(owner))
