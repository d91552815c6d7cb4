"""Who has a name, of a modality or of a command: under the user's settings, where several distributions claim it, and
where it is one of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from mt_core.errors import ConflictError, ContractError, DisabledPluginError
from mt_core.plugins.distributions import Metadata
from mt_core.plugins.settings import Settings, canonical

Kind = Literal["modality", "command", "engine"]
AnyMetadata = TypeVar("AnyMetadata", bound=Metadata)


def settle(
    everything: Sequence[AnyMetadata], settings: Settings, official: Mapping[str, str], kind: Kind
) -> tuple[AnyMetadata, ...]:
    """Each one's state under the settings: who is switched off, who shares a name with another.

    Args:
        official: The distribution of each name that is ours.
    """
    return tuple(_settled(each, everything, settings, official.get(each.name), kind) for each in everything)


def _settled(
    one: AnyMetadata, everything: Sequence[AnyMetadata], settings: Settings, ours: str | None, kind: Kind
) -> AnyMetadata:
    if objection := settings.objection(one.name, one.distribution):
        return replace(one, state="disabled", problem=objection[0], fix=objection[1])
    claimants = [other for other in everything if other.name == one.name]
    preferred = settings.preferred(one.name)
    if preferred in {canonical(claimant.distribution) for claimant in claimants}:
        if canonical(one.distribution) == preferred:
            return one
        return replace(
            one,
            state="disabled",
            problem=f"{settings.path} prefers {settings.prefer[one.name]}",
            fix=f"change `prefer` there to have {one.distribution}",
        )
    rivals = [each for each in claimants if not settings.objection(each.name, each.distribution)]
    # `audio` means the official plugin unless the settings prefer another
    if len(rivals) == 1 and ours in (None, canonical(one.distribution)):
        return one
    favoured = next((each.distribution for each in rivals if canonical(each.distribution) == ours), one.distribution)
    prefer = f'write into {settings.path}: [plugins] and below it prefer = {{ {one.name} = "{favoured}" }}'
    if len(rivals) > 1:
        problem = f"{' and '.join(map(str, rivals))} both claim the {kind} {one.name}"
        return replace(one, state="conflict", problem=problem, fix=f"uninstall one, or {prefer}")
    problem = f"{one} claims the {kind} {one.name}, which is {ours}'s"
    fix = f"uninstall it and pip install {ours}; to use it all the same, {prefer}"
    return replace(one, state="conflict", problem=problem, fix=fix)


def choose(name: str, everything: Sequence[AnyMetadata], kind: Kind) -> AnyMetadata | None:
    """The distribution that has a name; None where none claims it.

    Raises:
        DisabledPluginError: switched off by the user.
        ConflictError: several distributions claim the name, and the user prefers none.
        ContractError: a declaration that is damaged or of another contract.
    """
    claimants = [each for each in everything if each.name == name]
    if not claimants:
        return None
    # of two claimants that `prefer` has settled, one is disabled
    one = next((claimant for claimant in claimants if claimant.state != "disabled"), claimants[0])
    if one.state == "conflict":
        raise ConflictError(one.problem, one.fix)
    if one.state == "disabled":
        raise DisabledPluginError(f"the {kind} {name} ({one}) is disabled: {one.problem}", one.fix)
    if one.state == "broken":
        raise ContractError(f"the {kind} {name} ({one}) cannot be used: {one.problem}", one.fix)
    return one
