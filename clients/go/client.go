// Package tokenvault is the client of Token Vault: fresh access tokens for Microsoft 365. It keeps each token until its
// refresh time, and the last one while the vault is away.
package tokenvault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "tokenvault.internal/client/gen/tokenvault/v1"
)

// How long a call may take while a valid token is at hand.
const longestRefresh = 5 * time.Second

// Client is a client of Token Vault. Create one for the process, and close it at the end. All methods may be called
// concurrently.
type Client struct {
	calls   *calls
	cache   *tokenCache
	timeout time.Duration
	minTTL  time.Duration
	// Done when the client is closed.
	closing context.Context
	close   context.CancelCauseFunc
}

// New returns a client. It connects at the first call.
func New(options Options) (*Client, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("tokenvault: %w", err)
	}
	channel, err := newChannel(options)
	if err != nil {
		return nil, fmt.Errorf("tokenvault: %w", err)
	}
	c := &Client{
		calls:   &calls{channel: channel, credential: newCredentialFile(options)},
		timeout: options.Timeout,
		minTTL:  options.MinTTL,
	}
	c.closing, c.close = context.WithCancelCause(context.Background())
	c.cache = newTokenCache(c.fetch, options.Now, options.MinTTL)
	return c, nil
}

// AccessToken returns a token that is kept in this process until its RefreshAt. Do not keep it yourself: call again for
// each use. While the vault cannot be reached, the last token is returned until it expires. The end of ctx ends the wait
// of this caller, and of no other.
func (c *Client) AccessToken(ctx context.Context, request Request) (AccessToken, error) {
	return c.cache.get(ctx, request)
}

// Watch yields the current token, and each new one before the previous one expires. It ends when ctx is done or the
// client is closed. It fails when the vault serves no token any more: within a second after the caller is contained.
// RejectedToken and Claims of the request have no meaning here.
func (c *Client) Watch(ctx context.Context, request Request) iter.Seq2[AccessToken, error] {
	return func(yield func(AccessToken, error) bool) {
		ctx, cancel := c.untilClosed(ctx)
		defer cancel()
		watchToken(ctx, c.calls, request, c.minTTL)(yield)
	}
}

// Connect starts to connect a user, or to connect again.
func (c *Client) Connect(ctx context.Context, request ConnectRequest) (ConnectLinks, error) {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	response, err := withRetries(ctx, func(ctx context.Context) (*pb.StartAuthorizationResponse, error) {
		return unary(ctx, c.calls,
			pb.NewConnectionServiceClient, pb.ConnectionServiceClient.StartAuthorization, request.toMessage())
	})
	if err != nil {
		return ConnectLinks{}, err
	}
	return toConnectLinks(response), nil
}

// Confirm activates the grant, with the confirmation that the return URL received. It works once, so it is not retried.
func (c *Client) Confirm(ctx context.Context, connection, confirmation string) error {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	request := &pb.ConfirmAuthorizationRequest{Connection: connection, Confirmation: confirmation}
	_, err := unary(ctx, c.calls,
		pb.NewConnectionServiceClient, pb.ConnectionServiceClient.ConfirmAuthorization, request)
	return err
}

// DirectoryID returns the directory (GUID) of the connected account. Needs the role connector. Empty: not known yet.
func (c *Client) DirectoryID(ctx context.Context, connection string) (string, error) {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	response, err := withRetries(ctx, func(ctx context.Context) (*pb.GetConnectionResponse, error) {
		return unary(ctx, c.calls,
			pb.NewConnectionServiceClient, pb.ConnectionServiceClient.GetConnection,
			&pb.GetConnectionRequest{Name: connection})
	})
	return response.GetConnection().GetAccount().GetDirectoryId(), err
}

// Format prints no field, because %s would print the tokens that are kept.
func (c *Client) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, "tokenvault.Client") }

// Close closes the connections to the vault, and ends Watch and calls in progress.
func (c *Client) Close() error {
	c.close(ErrClosed)
	c.calls.channel.close()
	return nil
}

// fetch calls the vault for all who wait for the token, so that it depends on the context of none of them.
func (c *Client) fetch(request Request, once bool) (AccessToken, error) {
	message := &pb.GetAccessTokenRequest{
		Connection: request.Connection,
		Scopes:     request.Scopes,
		MinTtl:     durationpb.New(c.minTTL),
		Claims:     request.Claims,
	}
	if request.RejectedToken != "" {
		hash := sha256.Sum256([]byte(request.RejectedToken))
		message.RejectedTokenSha256 = hex.EncodeToString(hash[:])
	}
	attempt := func(ctx context.Context) (*pb.GetAccessTokenResponse, error) {
		return unary(ctx, c.calls, pb.NewTokenServiceClient, pb.TokenServiceClient.GetAccessToken, message)
	}
	timeout := c.timeout
	if once {
		timeout = min(timeout, longestRefresh)
	}
	ctx, cancel := context.WithTimeout(c.closing, timeout)
	defer cancel()
	var response *pb.GetAccessTokenResponse
	var err error
	if once {
		response, err = attempt(ctx)
	} else {
		response, err = withRetries(ctx, attempt)
	}
	if err != nil {
		return AccessToken{}, err
	}
	return toAccessToken(response), nil
}

// limit returns a context that ends with ctx, after the timeout, or when the client is closed.
func (c *Client) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := c.untilClosed(ctx)
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	return ctx, func() { cancel(); stop() }
}

func (c *Client) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.closing, func() { cancel(ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}
