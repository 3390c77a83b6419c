package tokenvault

import (
	"slices"
	"strings"
)

// Request is the token to get.
type Request struct {
	// tenants/{tenant}/connections/{connection}.
	Connection string
	// Product scopes of one resource, or X/.default. Default: those of the connection, if they are of one resource.
	Scopes []string
	// The token that the resource refused with 401. The vault replaces it once for all who report it.
	RejectedToken string
	// The claims of the resource's challenge, decoded from base64.
	Claims string
}

// key is equal for requests that the same token serves.
func (r Request) key() string {
	scopes := slices.Clone(r.Scopes)
	slices.Sort(scopes)
	return strings.Join(append([]string{r.Connection}, slices.Compact(scopes)...), " ")
}

// isReport: the request refuses a token that the vault has served.
func (r Request) isReport() bool { return r.Claims != "" || r.RejectedToken != "" }

// isSame: one answer serves both, which have the same key.
func (r Request) isSame(other Request) bool {
	return r.Claims == other.Claims && r.RejectedToken == other.RejectedToken
}
