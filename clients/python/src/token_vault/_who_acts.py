"""The party that removes the cause of an error."""

from collections.abc import Mapping
from typing import Literal

# The user signs in, the customer's administrator acts, the operator of the vault acts, the caller (this program) is
# corrected, or none: retry later.
WhoActs = Literal["user", "administrator", "operator", "caller", "none"]

# As `error_reason.proto` says for each reason.
WHO_ACTS: Mapping[str, WhoActs] = {
    "CONNECTION_PENDING": "user",
    "REAUTHORIZATION_REQUIRED": "user",
    "CONSENT_REQUIRED": "user",
    "SCOPE_NOT_GRANTED": "user",
    "ACCOUNT_MISMATCH": "user",
    "AUTHORIZATION_DECLINED": "user",
    "REFRESH_TOKEN_REJECTED": "user",
    "STATE_INVALID": "user",
    "ADMIN_CONSENT_REQUIRED": "administrator",
    "BLOCKED_BY_POLICY": "administrator",
    "ACCOUNT_DISABLED": "administrator",
    "DIRECTORY_NOT_ALLOWED": "administrator",
    "APP_CREDENTIAL_REJECTED": "operator",
    "APP_CREDENTIAL_EXPIRED": "operator",
    "APP_MISCONFIGURED": "operator",
    "APP_IN_USE": "operator",
    "TENANT_NOT_EMPTY": "operator",
    "TENANT_SUSPENDED": "operator",
    "APP_SUSPENDED": "operator",
    "CONNECTION_SUSPENDED": "operator",
    "CONTAINED": "operator",
    "ROOT_KEY_MISSING": "operator",
    "NO_REFRESH_TOKEN": "operator",
    "UNAUTHENTICATED": "operator",
    "ACCESS_DENIED": "operator",
    "SCOPE_ABOVE_CEILING": "operator",
    "RECORD_CORRUPT": "operator",
    "INTERNAL": "operator",
    "SCOPE_UNKNOWN": "caller",
    "SCOPES_SPAN_RESOURCES": "caller",
    "NAME_INVALID": "caller",
    "FIELD_INVALID": "caller",
    "TTL_UNATTAINABLE": "caller",
    "TENANT_NOT_FOUND": "caller",
    "APP_NOT_FOUND": "caller",
    "CONNECTION_NOT_FOUND": "caller",
    "CREDENTIAL_NOT_FOUND": "caller",
    "TENANT_EXISTS": "caller",
    "APP_EXISTS": "caller",
    "CONNECTION_EXISTS": "caller",
    "CREDENTIAL_EXISTS": "caller",
    "ETAG_MISMATCH": "caller",
    "ENTRA_UNAVAILABLE": "none",
    "ENTRA_THROTTLED": "none",
    "APP_CREDENTIAL_PROPAGATING": "none",
    "DATABASE_UNAVAILABLE": "none",
    "KEY_SOURCE_UNAVAILABLE": "none",
    "AUDIT_UNAVAILABLE": "none",
    "OVERLOADED": "none",
    "RATE_LIMITED": "none",
}


def who_acts(reason: str) -> WhoActs:
    """A reason of a newer vault is the operator's, who has the runbook of that version."""
    return WHO_ACTS.get(reason, "operator")
