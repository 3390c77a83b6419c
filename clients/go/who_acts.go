package tokenvault

// WhoActs says who removes the cause of an error.
type WhoActs string

const (
	// WhoActsUser: the user signs in. Send them through Connect.
	WhoActsUser WhoActs = "user"
	// WhoActsAdministrator: the administrator of the customer acts.
	WhoActsAdministrator WhoActs = "administrator"
	// WhoActsOperator: the operator of the vault acts.
	WhoActsOperator WhoActs = "operator"
	// WhoActsCaller: this program is corrected.
	WhoActsCaller WhoActs = "caller"
	// WhoActsNone: retry later.
	WhoActsNone WhoActs = "none"
)

// As error_reason.proto says for each reason.
var whoActsByReason = map[string]WhoActs{
	"CONNECTION_PENDING":         WhoActsUser,
	"REAUTHORIZATION_REQUIRED":   WhoActsUser,
	"CONSENT_REQUIRED":           WhoActsUser,
	"SCOPE_NOT_GRANTED":          WhoActsUser,
	"ACCOUNT_MISMATCH":           WhoActsUser,
	"AUTHORIZATION_DECLINED":     WhoActsUser,
	"REFRESH_TOKEN_REJECTED":     WhoActsUser,
	"STATE_INVALID":              WhoActsUser,
	"ADMIN_CONSENT_REQUIRED":     WhoActsAdministrator,
	"BLOCKED_BY_POLICY":          WhoActsAdministrator,
	"ACCOUNT_DISABLED":           WhoActsAdministrator,
	"DIRECTORY_NOT_ALLOWED":      WhoActsAdministrator,
	"APP_CREDENTIAL_REJECTED":    WhoActsOperator,
	"APP_CREDENTIAL_EXPIRED":     WhoActsOperator,
	"APP_MISCONFIGURED":          WhoActsOperator,
	"APP_IN_USE":                 WhoActsOperator,
	"TENANT_NOT_EMPTY":           WhoActsOperator,
	"TENANT_SUSPENDED":           WhoActsOperator,
	"APP_SUSPENDED":              WhoActsOperator,
	"CONNECTION_SUSPENDED":       WhoActsOperator,
	"CONTAINED":                  WhoActsOperator,
	"ROOT_KEY_MISSING":           WhoActsOperator,
	"NO_REFRESH_TOKEN":           WhoActsOperator,
	"UNAUTHENTICATED":            WhoActsOperator,
	"ACCESS_DENIED":              WhoActsOperator,
	"SCOPE_ABOVE_CEILING":        WhoActsOperator,
	"RECORD_CORRUPT":             WhoActsOperator,
	"INTERNAL":                   WhoActsOperator,
	"SCOPE_UNKNOWN":              WhoActsCaller,
	"SCOPES_SPAN_RESOURCES":      WhoActsCaller,
	"NAME_INVALID":               WhoActsCaller,
	"FIELD_INVALID":              WhoActsCaller,
	"TTL_UNATTAINABLE":           WhoActsCaller,
	"TENANT_NOT_FOUND":           WhoActsCaller,
	"APP_NOT_FOUND":              WhoActsCaller,
	"CONNECTION_NOT_FOUND":       WhoActsCaller,
	"CREDENTIAL_NOT_FOUND":       WhoActsCaller,
	"TENANT_EXISTS":              WhoActsCaller,
	"APP_EXISTS":                 WhoActsCaller,
	"CONNECTION_EXISTS":          WhoActsCaller,
	"CREDENTIAL_EXISTS":          WhoActsCaller,
	"ETAG_MISMATCH":              WhoActsCaller,
	"ENTRA_UNAVAILABLE":          WhoActsNone,
	"ENTRA_THROTTLED":            WhoActsNone,
	"APP_CREDENTIAL_PROPAGATING": WhoActsNone,
	"DATABASE_UNAVAILABLE":       WhoActsNone,
	"KEY_SOURCE_UNAVAILABLE":     WhoActsNone,
	"AUDIT_UNAVAILABLE":          WhoActsNone,
	"OVERLOADED":                 WhoActsNone,
	"RATE_LIMITED":               WhoActsNone,
}

// whoActs of a reason of a newer vault: the operator, who has the runbook of that version.
func whoActs(reason string) WhoActs {
	if who, ok := whoActsByReason[reason]; ok {
		return who
	}
	return WhoActsOperator
}
