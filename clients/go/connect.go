package tokenvault

import (
	"time"

	pb "tokenvault.internal/client/gen/tokenvault/v1"
)

// ConnectRequest is the connection to start, or to start again.
type ConnectRequest struct {
	// tenants/{tenant}/connections/{connection}. It does not need to exist.
	Connection string
	// Product scopes; may span resources. Default: those of the existing connection.
	Scopes []string
	// Where the browser goes at the end. It must begin with one of the app's return URL prefixes.
	ReturnURL string
	// Activate the grant without Confirm. Only if any person who has the link may connect any account.
	AutoConfirm bool
	// The username to suggest.
	LoginHint string
	// tenants/{tenant}/apps/{app}. Default: the app of the connection, otherwise the tenant's app "default".
	App string
	// A claims challenge that only a new sign-in can answer.
	Claims string
}

// ConnectLinks say where to send the user's browser.
type ConnectLinks struct {
	// A page of the vault that explains the request and leads to Entra. Suitable as a link in a message.
	ConnectURI string
	// Entra's page, for an immediate redirect.
	AuthorizationURI string
	// When ConnectURI expires.
	ExpiresAt time.Time
	// For an administrator who must probably approve first; empty: probably not needed.
	AdminConsentURI string
}

func (r ConnectRequest) toMessage() *pb.StartAuthorizationRequest {
	return &pb.StartAuthorizationRequest{
		Connection:  r.Connection,
		Scopes:      r.Scopes,
		ReturnUrl:   r.ReturnURL,
		AutoConfirm: r.AutoConfirm,
		LoginHint:   r.LoginHint,
		App:         r.App,
		Claims:      r.Claims,
	}
}

func toConnectLinks(response *pb.StartAuthorizationResponse) ConnectLinks {
	return ConnectLinks{
		ConnectURI:       response.GetConnectUri(),
		AuthorizationURI: response.GetAuthorizationUri(),
		ExpiresAt:        response.GetExpireTime().AsTime(),
		AdminConsentURI:  response.GetAdminConsentUri(),
	}
}
