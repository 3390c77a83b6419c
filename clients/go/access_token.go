package tokenvault

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// AccessToken is an access token of a connection. It prints without the token.
type AccessToken struct {
	// For the Authorization header, or XOAUTH2. Opaque: do not parse or log it.
	Token     string `json:"-"`
	ExpiresAt time.Time
	// From then on, the vault prefers a new token.
	RefreshAt time.Time
	// The only resource that accepts the token: https://graph.microsoft.com.
	Resource string
	// The permissions in the token. Can be more than requested.
	Permissions []string
}

// String leaves the token out.
func (t AccessToken) String() string {
	return fmt.Sprintf("access token for %s until %s", t.Resource, t.ExpiresAt.Format(time.RFC3339))
}

// Format leaves the token out, whatever the verb.
func (t AccessToken) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, t.String()) }

// LogValue leaves the token out.
func (t AccessToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

func (t AccessToken) clone() AccessToken {
	t.Permissions = slices.Clone(t.Permissions)
	return t
}

// tokenResponse is what the responses with a token have in common.
type tokenResponse interface {
	GetAccessToken() string
	GetExpireTime() *timestamppb.Timestamp
	GetRefreshTime() *timestamppb.Timestamp
	GetResource() string
	GetPermissions() []string
}

func toAccessToken(response tokenResponse) AccessToken {
	token := AccessToken{
		Token:       response.GetAccessToken(),
		ExpiresAt:   response.GetExpireTime().AsTime(),
		Resource:    response.GetResource(),
		Permissions: response.GetPermissions(),
	}
	token.RefreshAt = token.ExpiresAt
	if refresh := response.GetRefreshTime(); refresh != nil {
		token.RefreshAt = refresh.AsTime()
	}
	return token
}
