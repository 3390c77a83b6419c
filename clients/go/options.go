package tokenvault

import (
	"errors"
	"time"
)

// Options say how to reach the vault, and as which caller.
type Options struct {
	// host:port, dns:///host:port, ipv4:a:port,b:port, ipv6:[a]:port or unix:/path. Calls go to all addresses of the
	// name in turn.
	Address string
	// File with the API key (tv1_…). It is read for each call, so a new key needs no restart.
	APIKeyFile string
	// File with a JWT of Kubernetes, Entra or SPIRE, such as a projected token. It is read for each call.
	TokenFile string
	// TLS. Default: the CAs of the system; on loopback, plaintext.
	TLS *TLSOptions
	// How long a call may take, retries included. Default 15 s. A deadline of the context can only shorten it.
	Timeout time.Duration
	// How long a token must still be valid when the vault serves it. Default 1 min, at most 5 min.
	MinTTL time.Duration
	// Honor HTTPS_PROXY and NO_PROXY. Default: false.
	Proxy bool
	// Default: time.Now. For tests with a clock that moves.
	Now func() time.Time
}

// TLSOptions name files in PEM. They are read again when they change.
type TLSOptions struct {
	// The CA of the vault's certificate. Default: the CAs of the system.
	CAFile string
	// The client certificate (mTLS), followed by its intermediate CAs.
	CertificateFile string
	// The private key of the client certificate.
	KeyFile string
	// The name in the vault's certificate, if it is not the host of the address.
	ServerName string
}

const (
	defaultTimeout = 15 * time.Second
	defaultMinTTL  = time.Minute
)

// withDefaults refuses options that contradict each other.
func (o Options) withDefaults() (Options, error) {
	var tls TLSOptions
	if o.TLS != nil {
		tls = *o.TLS
	}
	named := 0
	for _, file := range []string{o.APIKeyFile, o.TokenFile, tls.CertificateFile} {
		if file != "" {
			named++
		}
	}
	if named > 1 {
		return o, errors.New("more than one credential is set. Set one of APIKeyFile, TokenFile and TLS.CertificateFile")
	}
	if (tls.CertificateFile == "") != (tls.KeyFile == "") {
		return o, errors.New("TLS: only one of CertificateFile and KeyFile is set. Set both, or neither")
	}
	if o.Timeout < 0 || o.MinTTL < 0 {
		return o, errors.New("Timeout and MinTTL must not be negative. Leave them out for the defaults")
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.MinTTL == 0 {
		o.MinTTL = defaultMinTTL
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}
