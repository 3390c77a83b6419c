// Package tokenvaulttest has a vault on loopback that issues tokens without Entra, for the tests of a program that uses
// the client.
package tokenvaulttest

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "tokenvault.internal/client/gen/tokenvault/v1"
)

// Options of a fake vault.
type Options struct {
	// Default: time.Now.
	Now func() time.Time
}

// Request is a request for a token as the fake vault received it.
type Request struct {
	Connection          string
	Scopes              []string
	Claims              string
	RejectedTokenSHA256 string
	// The authorization header. Empty: there was none.
	Authorization string
}

// Vault is a fake vault. Close it at the end.
type Vault struct {
	// 127.0.0.1:{port}.
	Address string

	now func() time.Time

	mu       sync.Mutex
	server   *grpc.Server
	issuer   *issuer
	failures map[string]Failure
	watchers map[*watcher]struct{}
	requests []Request
}

// watcher is an open stream.
type watcher struct {
	connection, key string
	tokens          chan Token
	end             chan error
}

const everyConnection = ""

// Start starts a fake vault on a port that the system chooses.
func Start(options Options) (*Vault, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	v := &Vault{
		Address:  "127.0.0.1:0",
		now:      options.Now,
		issuer:   newIssuer(options.Now),
		failures: make(map[string]Failure),
		watchers: make(map[*watcher]struct{}),
	}
	return v, v.Restart()
}

// Restart listens on the same port again, after Stop.
func (v *Vault) Restart() error {
	listener, err := net.Listen("tcp", v.Address)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pb.RegisterTokenServiceServer(server, &service{vault: v})
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Address = listener.Addr().String()
	v.server = server
	go func() { _ = server.Serve(listener) }()
	return nil
}

// Stop closes the port: the vault is away. Tokens stay.
func (v *Vault) Stop() {
	v.mu.Lock()
	server := v.server
	v.mu.Unlock()
	server.Stop()
}

// Close stops the vault.
func (v *Vault) Close() { v.Stop() }

// Requests returns all requests for a token, the oldest first.
func (v *Vault) Requests() []Request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.requests)
}

// Replace issues another token for the connection and scopes, served until it expires, and sends it to those who watch.
// Fields that are not set get values.
func (v *Vault) Replace(connection string, scopes []string, token Token) Token {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := keyOf(connection, scopes)
	issued := v.issuer.replace(key, token)
	for watcher := range v.watchers {
		if watcher.key == key {
			watcher.tokens <- issued
		}
	}
	return issued
}

// Fail makes calls fail: for the connection, or for all, if it is empty. Streams end.
func (v *Vault) Fail(failure Failure, connection string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failures[connection] = failure
	for watcher := range v.watchers {
		if connection == everyConnection || watcher.connection == connection {
			watcher.end <- failure.toError()
			delete(v.watchers, watcher)
		}
	}
}

// Recover makes calls succeed again.
func (v *Vault) Recover() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.failures)
}

// failureOf needs the lock.
func (v *Vault) failureOf(connection string) error {
	key := connection
	if _, ok := v.failures[key]; !ok {
		key = everyConnection
	}
	failure, ok := v.failures[key]
	if !ok {
		return nil
	}
	switch failure.Times {
	case 0:
	case 1:
		delete(v.failures, key)
	default:
		failure.Times--
		v.failures[key] = failure
	}
	return failure.toError()
}

type service struct {
	pb.UnimplementedTokenServiceServer
	vault *Vault
}

func (s *service) GetAccessToken(ctx context.Context, r *pb.GetAccessTokenRequest) (*pb.GetAccessTokenResponse, error) {
	v := s.vault
	v.mu.Lock()
	defer v.mu.Unlock()
	request := Request{
		Connection:          r.GetConnection(),
		Scopes:              r.GetScopes(),
		Claims:              r.GetClaims(),
		RejectedTokenSHA256: r.GetRejectedTokenSha256(),
	}
	if sent := metadata.ValueFromIncomingContext(ctx, "authorization"); len(sent) > 0 {
		request.Authorization = sent[0]
	}
	v.requests = append(v.requests, request)
	if err := v.failureOf(request.Connection); err != nil {
		return nil, err
	}
	token := v.issuer.serve(request)
	return &pb.GetAccessTokenResponse{
		AccessToken: token.Token,
		TokenType:   "Bearer",
		ExpireTime:  timestamppb.New(token.ExpiresAt),
		RefreshTime: timestamppb.New(token.RefreshAt),
		Resource:    token.Resource,
		Permissions: token.Permissions,
	}, nil
}

func (s *service) WatchAccessToken(
	r *pb.WatchAccessTokenRequest, stream grpc.ServerStreamingServer[pb.WatchAccessTokenResponse],
) error {
	opened, err := s.vault.watch(r)
	if err != nil {
		return err
	}
	defer s.vault.unwatch(opened)
	for {
		select {
		case token := <-opened.tokens:
			err = stream.Send(&pb.WatchAccessTokenResponse{
				AccessToken: token.Token,
				TokenType:   "Bearer",
				ExpireTime:  timestamppb.New(token.ExpiresAt),
				RefreshTime: timestamppb.New(token.RefreshAt),
				Resource:    token.Resource,
				Permissions: token.Permissions,
			})
			if err != nil {
				return err
			}
		case err := <-opened.end:
			return err
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

func (v *Vault) watch(r *pb.WatchAccessTokenRequest) (*watcher, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.failureOf(r.GetConnection()); err != nil {
		return nil, err
	}
	opened := &watcher{
		connection: r.GetConnection(),
		key:        keyOf(r.GetConnection(), r.GetScopes()),
		// Wide enough for a test, so that Replace does not wait.
		tokens: make(chan Token, 100),
		end:    make(chan error, 1),
	}
	opened.tokens <- v.issuer.serve(Request{Connection: r.GetConnection(), Scopes: r.GetScopes()})
	v.watchers[opened] = struct{}{}
	return opened, nil
}

func (v *Vault) unwatch(opened *watcher) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.watchers, opened)
}
