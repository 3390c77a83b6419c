from token_vault._gen.error_reason_pb2 import ErrorReason
from token_vault._who_acts import WHO_ACTS, who_acts


def test_each_reason_of_the_vault_has_a_party_that_acts() -> None:
    reasons = {value.name.removeprefix("ERROR_REASON_") for value in ErrorReason.DESCRIPTOR.values}
    assert set(WHO_ACTS) == reasons - {"UNSPECIFIED"}


def test_a_reason_of_a_newer_vault_is_the_operators() -> None:
    assert who_acts("OF_TOMORROW") == "operator"
