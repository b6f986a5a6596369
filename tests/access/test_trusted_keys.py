"""The list of trusted keys is read whole or not at all, with a line that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from access.signatures import Signer, Standing
from access.trusted_keys import KeyFileError, listed, read_private_key, read_trusted_keys
from domain.authorship import KEY_NOT_TRUSTED, Via
from tests.access.test_signatures import CLINICIAN, JOURNEY, PLACEMENT, SITE

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
ENTRY = listed([("operator", KEY.public_key(), [Via.DIRECT])])
CURVE = generate_private_key(SECP256R1())
OF_ANOTHER_KIND = CURVE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_listed_key_is_believed_for_what_it_signs(tmp_path: Path) -> None:
    file, private = tmp_path / "trusted.toml", tmp_path / "key.pem"
    keys = [("operator", KEY.public_key(), [Via.DIRECT]), ("people", OTHER.public_key(), [Via.API, Via.BOARD])]
    file.write_text(listed(keys))
    private.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    trusted, signer = read_trusted_keys(file), Signer(read_private_key(private))
    for via, expected in ((Via.DIRECT, None), (Via.API, KEY_NOT_TRUSTED)):
        command = signer.sign(JOURNEY, PLACEMENT, Standing(via, roles=(CLINICIAN.role,)))
        refusal = trusted.refusal(JOURNEY, command.cause, command.authorship(SITE))
        assert (refusal.code if refusal else None) == expected


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("", "keys: Field required"),
        ("keys = 1", "keys: "),
        ("[[keys]", "is not TOML"),
        (ENTRY.replace("direct", "anyhow"), "keys.0.signs.0: "),
        (ENTRY.replace("signs", "may"), "keys.0.signs: Field required"),
        (ENTRY + 'expires = "never"\n', "keys.0.expires: Extra inputs"),
        (ENTRY + ENTRY, "twice"),
        (ENTRY + ENTRY.replace("operator", "another"), "twice"),
        (ENTRY.replace("BEGIN", "BEG"), "public key of 'operator' must hold an Ed25519 key"),
        (f'[[keys]]\nname = "a"\nsigns = []\npublic_key = """\n{OF_ANOTHER_KIND}"""\n', "must hold an Ed25519 key"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(tmp_path: Path, text: str, saying: str) -> None:
    file = tmp_path / "trusted.toml"
    file.write_text(text)
    with pytest.raises(KeyFileError) as refused:
        read_trusted_keys(file)
    assert str(file) in str(refused.value) and saying in str(refused.value)


def test_a_list_that_is_not_there_or_not_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"cannot be read \(No such file"):
        read_trusted_keys(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(KeyFileError, match="is not TOML"):
        read_trusted_keys(tmp_path / "binary.toml")


def test_a_private_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    for content in (b"", b"garbage", CURVE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())):
        file.write_bytes(content)
        with pytest.raises(KeyFileError, match=r"must hold|of another kind"):
            read_private_key(file)
    with pytest.raises(KeyFileError, match="no key can be read"):
        read_private_key(tmp_path / "none.pem")
