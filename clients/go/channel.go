package tokenvault

import (
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

// channel leads to the vault. With TLS files that have changed, a new connection replaces the one in use; calls in
// progress finish.
type channel struct {
	address vaultAddress
	tls     *TLSOptions
	proxy   bool

	mu       sync.Mutex
	current  *connection
	isClosed bool
}

// connection is a gRPC channel with its calls in progress, which closing it would end.
type connection struct {
	grpc      *grpc.ClientConn
	version   string
	calls     int
	isRetired bool
}

func newChannel(o Options) (*channel, error) {
	address, err := parseAddress(o.Address)
	if err != nil {
		return nil, err
	}
	return &channel{address: address, tls: o.TLS, proxy: o.Proxy}, nil
}

// acquire returns the connection for one call. Call release at its end.
func (c *channel) acquire() (conn grpc.ClientConnInterface, release func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed {
		return nil, nil, ErrClosed
	}
	// While files are replaced, key and certificate may not match: the connection in use stays.
	if err := c.renew(); err != nil && c.current == nil {
		return nil, nil, unusableFile(
			"TLS: A file cannot be used. Check that each exists and is PEM, and that the key matches.", err)
	}
	used := c.current
	used.calls++
	return used.grpc, func() { c.release(used) }, nil
}

func (c *channel) renew() error {
	version, err := c.tls.version()
	if err != nil || c.current != nil && c.current.version == version {
		return err
	}
	var transport credentials.TransportCredentials
	if c.tls == nil && c.address.isLoopback {
		transport = insecure.NewCredentials()
	} else if transport, err = c.tls.read(); err != nil {
		return err
	}
	conn, err := grpc.NewClient(c.target(), c.dialOptions(transport)...)
	if err != nil {
		return err
	}
	c.retire()
	c.current = &connection{grpc: conn, version: version}
	return nil
}

func (c *channel) release(used *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	used.calls--
	used.closeIfUnused()
}

func (c *channel) retire() {
	if c.current != nil {
		c.current.isRetired = true
		c.current.closeIfUnused()
	}
}

func (c *connection) closeIfUnused() {
	if c.isRetired && c.calls == 0 {
		_ = c.grpc.Close()
	}
}

// close lets calls in progress finish, which their contexts end.
func (c *channel) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isClosed = true
	c.retire()
	c.current = nil
}

const addressList = "tokenvault"

func (c *channel) target() string {
	if c.address.target == "" {
		return addressList + ":///vault"
	}
	return c.address.target
}

func (c *channel) dialOptions(transport credentials.TransportCredentials) []grpc.DialOption {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithDisableServiceConfig(),
		// This package retries by itself (RetryInfo).
		grpc.WithDisableRetry(),
		// An address that is gone without a word is noticed within 40 s.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		// A client comes back within 2 s after an outage.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 250 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second,
			},
			MinConnectTimeout: 20 * time.Second,
		}),
	}
	if !c.proxy || c.address.isLoopback {
		options = append(options, grpc.WithNoProxy())
	}
	if c.address.endpoints != nil {
		list := manual.NewBuilderWithScheme(addressList)
		state := resolver.State{}
		for _, endpoint := range c.address.endpoints {
			one := resolver.Address{Addr: endpoint, ServerName: endpoint}
			state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{one}})
		}
		list.InitialState(state)
		options = append(options, grpc.WithResolvers(list))
	}
	return options
}
