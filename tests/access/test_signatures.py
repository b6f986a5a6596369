"""A signed decision is believed as it is, and in no other form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from access.rules import Viewer
from access.signatures import Signer, Standing, TrustedKey, TrustedKeys, is_signed
from domain import authorship as codes
from domain.authorship import Authorship, Via
from domain.commands import SignedCommand
from domain.pathway import COMMANDS
from domain.pathway.admission import CancelAdmission, RepeatAdmission
from domain.pathway.placement import DecidePlacement
from domain.plans import Actor
from domain.state import JourneyState
from domain.values import Role, Value
from tests.domain.strategies import fields_of
from tests.domain.walk import MONDAY

JOURNEY, SITE = "journey-1", "main"
CLINICIAN = Actor(id="s-102", role=Role.CLINICIAN)
PLACEMENT = DecidePlacement(id="one", by=CLINICIAN, recommended="IOP", actual="OP", variance="they asked for it")
STANDING = Standing(Via.API, roles=(Role.CLINICIAN, Role.SUPERVISOR), sites=(SITE, "east"))
API, OPERATOR, INTAKE, STRANGER = (Ed25519PrivateKey.generate() for _ in range(4))
TRUSTED = TrustedKeys(
    [
        TrustedKey(API.public_key(), frozenset({Via.API, Via.BOARD})),
        TrustedKey(OPERATOR.public_key(), frozenset({Via.DIRECT})),
        TrustedKey(INTAKE.public_key(), frozenset({Via.INTAKE})),
    ]
)
SIGNED_COMMANDS = [each for each in COMMANDS.values() if issubclass(each, SignedCommand)]


def signed(
    command: SignedCommand = PLACEMENT,
    *,
    key: Ed25519PrivateKey = API,
    standing: Standing = STANDING,
    journey: str = JOURNEY,
) -> SignedCommand:
    return Signer(key).sign(journey, command, standing)


def code(command: SignedCommand, *, journey: str = JOURNEY, site: str = SITE) -> str | None:
    refusal = TRUSTED.refusal(journey, command.cause, command.authorship(site))
    return refusal.code if refusal else None


def sent(command: SignedCommand) -> SignedCommand:
    """As the journey has it after it came over the wire."""
    return type(command).model_validate_json(command.model_dump_json())


def with_signature(**changes: Any) -> SignedCommand:
    command = signed()
    assert command.signature is not None
    return command.model_copy(update={"signature": command.signature.changed(**changes)})


def with_content(**changes: Any) -> SignedCommand:
    return signed().model_copy(update=changes)


def test_what_was_signed_is_believed() -> None:
    assert code(sent(signed())) is None
    assert code(sent(signed(standing=Standing(Via.BOARD, roles=(Role.CLINICIAN,)))), site="anywhere") is None
    assert code(sent(signed(key=OPERATOR, standing=Standing(Via.DIRECT, roles=(Role.CLINICIAN,))))) is None
    message = RepeatAdmission(id="repeat/1", message="m-1", occurred_at=MONDAY)
    assert code(sent(signed(message, key=INTAKE, standing=Standing(Via.INTAKE)))) is None


def test_the_same_signature_sent_again_is_still_right() -> None:
    command = signed()
    assert [code(sent(command)) for _ in range(2)] == [None, None]


VALUE = str(getattr(signed().signature, "value", ""))
OTHERS = Actor(id="s-999", role=Role.CLINICIAN)
FORGERIES: dict[str, tuple[Callable[[], SignedCommand], str]] = {
    "no signature": (lambda: PLACEMENT, codes.NOT_SIGNED),
    "a stranger's key": (lambda: signed(key=STRANGER), codes.KEY_NOT_TRUSTED),
    "a key id that nobody has": (lambda: with_signature(key_id="0" * 16), codes.KEY_NOT_TRUSTED),
    "a stranger's signature under a trusted key id": (
        lambda: with_signature(value=str(getattr(signed(key=STRANGER).signature, "value", ""))),
        codes.SIGNATURE_WRONG,
    ),
    "the operator's key for the API": (lambda: signed(key=OPERATOR), codes.KEY_NOT_TRUSTED),
    "the API's key for direct access": (
        lambda: signed(standing=Standing(Via.DIRECT, roles=(Role.CLINICIAN,))),
        codes.KEY_NOT_TRUSTED,
    ),
    "intake's key for a decision": (
        lambda: signed(key=INTAKE, standing=Standing(Via.INTAKE, roles=(Role.CLINICIAN,))),
        codes.KEY_NOT_TRUSTED,
    ),
    "another way in": (lambda: with_signature(via=Via.BOARD), codes.SIGNATURE_WRONG),
    "another journey": (lambda: signed(journey="journey-2"), codes.SIGNATURE_WRONG),
    "another command id": (lambda: with_content(id="two"), codes.SIGNATURE_WRONG),
    "other content": (lambda: with_content(actual="IOP"), codes.SIGNATURE_WRONG),
    "another reason": (lambda: with_content(variance="other words"), codes.SIGNATURE_WRONG),
    "another time": (lambda: with_content(occurred_at=MONDAY), codes.SIGNATURE_WRONG),
    "another person": (lambda: with_content(by=OTHERS), codes.SIGNATURE_WRONG),
    "another role of theirs": (
        lambda: with_content(by=Actor(id=CLINICIAN.id, role=Role.SUPERVISOR)),
        codes.SIGNATURE_WRONG,
    ),
    "a role that is not theirs": (
        lambda: signed(PLACEMENT.changed(by=Actor(id=CLINICIAN.id, role=Role.MEDICAL_DIRECTOR))),
        codes.ROLE_NOT_THEIRS,
    ),
    "no role at all": (lambda: signed(standing=Standing(Via.API)), codes.ROLE_NOT_THEIRS),
    "a role added": (lambda: with_signature(roles=tuple(Role)), codes.SIGNATURE_WRONG),
    "other sites": (lambda: signed(standing=Standing(Via.API, STANDING.roles, ("east",))), codes.SITE_NOT_THEIRS),
    "a site added": (lambda: with_signature(sites=(*STANDING.sites, "west")), codes.SIGNATURE_WRONG),
    "every site": (lambda: with_signature(sites=()), codes.SIGNATURE_WRONG),
    "another salt": (lambda: with_signature(salt="00"), codes.SIGNATURE_WRONG),
    "an empty signature": (lambda: with_signature(value=""), codes.SIGNATURE_WRONG),
    "a signature cut short": (lambda: with_signature(value=VALUE[:-2]), codes.SIGNATURE_WRONG),
    "half a digit": (lambda: with_signature(value=VALUE[:-1]), codes.SIGNATURE_WRONG),
    "a signature too long": (lambda: with_signature(value=VALUE + "00"), codes.SIGNATURE_WRONG),
    "a megabyte": (lambda: with_signature(value="00" * 500_000), codes.SIGNATURE_WRONG),
    "all zeros": (lambda: with_signature(value="00" * 64), codes.SIGNATURE_WRONG),
    "no digits": (lambda: with_signature(value="not a signature \x00 é"), codes.SIGNATURE_WRONG),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_refused(forgery: str) -> None:
    make, expected = FORGERIES[forgery]
    assert code(sent(make())) == expected


def test_every_code_is_tried_and_says_what_to_do() -> None:
    assert {expected for _, expected in FORGERIES.values()} == codes.UNPROVEN
    for make, expected in FORGERIES.values():
        command = make()
        refusal = TRUSTED.refusal(JOURNEY, command.cause, command.authorship(SITE))
        assert refusal is not None and refusal.code == expected
        assert refusal.sentence.endswith(".") and ". " in refusal.sentence


def test_a_message_of_one_kind_cannot_be_sent_as_another() -> None:
    repeat = signed(RepeatAdmission(id="m-1", message="m-1"), key=INTAKE, standing=Standing(Via.INTAKE))
    cancel = CancelAdmission(id="m-1", message="m-1", signature=repeat.signature)
    assert (code(repeat), code(cancel)) == (None, codes.SIGNATURE_WRONG)


def test_no_signed_in_person_can_send_a_message() -> None:
    message = RepeatAdmission(id="m-1", message="m-1")
    for key, via in ((API, Via.API), (OPERATOR, Via.DIRECT)):
        assert code(signed(message, key=key, standing=Standing(via))) == codes.KEY_NOT_TRUSTED


def test_a_key_that_is_kept_for_old_signatures_signs_nothing_new() -> None:
    command = signed()
    kept = TrustedKeys([TrustedKey(API.public_key(), frozenset())])
    refusal = kept.refusal(JOURNEY, command.cause, command.authorship(SITE))
    assert refusal is not None and refusal.code == codes.KEY_NOT_TRUSTED
    assert is_signed(JOURNEY, command.cause, command.authorship(SITE), API.public_key())


def test_what_is_on_record_can_be_verified_later_and_holds_no_salt() -> None:
    command = signed()
    kept = command.authorship(SITE).on_record()
    assert command.signature is not None and command.signature.salt not in str(kept)
    assert is_signed(JOURNEY, command.cause, Authorship.model_validate(kept), API.public_key())
    changed = {**kept, "by": {"id": "s-999", "role": "clinician"}}
    assert not is_signed(JOURNEY, command.cause, Authorship.model_validate(changed), API.public_key())


def test_a_signed_in_person_is_vouched_for_as_the_list_of_staff_has_them() -> None:
    viewer = Viewer(person="s-102", roles=(Role.CLINICIAN,), sites=("east",))
    command = signed(standing=Standing.of(viewer, Via.BOARD))
    assert (code(command, site="east"), code(command)) == (None, codes.SITE_NOT_THEIRS)


def test_the_digest_of_the_same_words_differs_from_one_decision_to_the_next() -> None:
    assert signed().authorship(SITE).digest != signed().authorship(SITE).digest


@pytest.mark.parametrize("kind", SIGNED_COMMANDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_every_command_says_the_same_after_it_came_over_the_wire(
    kind: type[SignedCommand], data: st.DataObject
) -> None:
    fields = data.draw(st.fixed_dictionaries(fields_of(kind, JourneyState())))
    if "by" in kind.model_fields:
        fields.setdefault("by", CLINICIAN)
    command = kind(**{"id": "one", **fields})
    assert sent(command).digest("salt") == command.digest("salt")


@pytest.mark.parametrize("kind", SIGNED_COMMANDS, ids=lambda kind: kind.__name__)
def test_no_field_of_a_command_can_hold_one_of_several_models(kind: type[SignedCommand]) -> None:
    """The digest leaves out what is at its default, such as the `kind` by which two models are told apart."""
    assert [name for name, field in kind.model_fields.items() if len(models_in(field.annotation)) > 1] == []


def models_in(annotation: object) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, Value):
        return {annotation}
    return {model for part in get_args(annotation) for model in models_in(part)}
