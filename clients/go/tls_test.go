package tokenvault_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"

	tokenvault "tokenvault.internal/client"
	pb "tokenvault.internal/client/gen/tokenvault/v1"
)

// authority is a CA.
type authority struct {
	testing.TB
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	a := &authority{TB: t}
	template := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.certificate, a.key = a.issue("ca", template)
	return a
}

// issue signs a certificate of the template for this machine; that of the authority itself first.
func (a *authority) issue(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	content, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(content)
	if err != nil {
		a.Fatal(err)
	}
	return certificate, key
}

func (a *authority) write(path, kind string, content []byte) {
	a.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		a.Fatal(err)
	}
}

// writePair writes a certificate with its key.
func (a *authority) writePair(options *tokenvault.TLSOptions, name string) {
	a.Helper()
	certificate, key := a.issue(name, &x509.Certificate{})
	content, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	a.write(options.CertificateFile, "CERTIFICATE", certificate.Raw)
	a.write(options.KeyFile, "EC PRIVATE KEY", content)
}

// namingService returns tokens that are the name in the certificate of the caller.
type namingService struct {
	pb.UnimplementedTokenServiceServer
}

func (namingService) GetAccessToken(
	ctx context.Context, _ *pb.GetAccessTokenRequest,
) (*pb.GetAccessTokenResponse, error) {
	caller, _ := peer.FromContext(ctx)
	info, _ := caller.AuthInfo.(credentials.TLSInfo)
	return &pb.GetAccessTokenResponse{AccessToken: info.State.PeerCertificates[0].Subject.CommonName}, nil
}

// openConnections counts the connections of a server.
type openConnections struct{ count atomic.Int32 }

func (o *openConnections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return ctx
}

func (o *openConnections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	return ctx
}

func (o *openConnections) HandleRPC(context.Context, stats.RPCStats) {}

func (o *openConnections) HandleConn(_ context.Context, event stats.ConnStats) {
	switch event.(type) {
	case *stats.ConnBegin:
		o.count.Add(1)
	case *stats.ConnEnd:
		o.count.Add(-1)
	}
}

// startTLS starts a vault that needs client certificates of the authority. Returns its address.
func startTLS(t *testing.T, a *authority, open *openConnections) string {
	t.Helper()
	certificate, key := a.issue("vault", &x509.Certificate{})
	clients := x509.NewCertPool()
	clients.AddCert(a.certificate)
	server := grpc.NewServer(grpc.StatsHandler(open), grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
	})))
	pb.RegisterTokenServiceServer(server, namingService{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func TestARenewedClientCertificateIsUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	folder := t.TempDir()
	options := &tokenvault.TLSOptions{
		CAFile:          filepath.Join(folder, "ca.pem"),
		CertificateFile: filepath.Join(folder, "client.pem"),
		KeyFile:         filepath.Join(folder, "client.key"),
	}
	var open openConnections
	vault := newClient(t, tokenvault.Options{Address: startTLS(t, a, &open), TLS: options, Timeout: 5 * time.Second})
	name := func() string {
		t.Helper()
		token, err := vault.AccessToken(t.Context(), adaToken)
		if err != nil {
			return asError(t, err).Reason
		}
		return token.Token
	}

	if got := name(); got != "CREDENTIAL_FILE_UNREADABLE" {
		t.Errorf("without files: got %s", got)
	}
	a.write(options.CAFile, "CERTIFICATE", a.certificate.Raw)
	newAuthority(t).writePair(options, "another authority")
	if got := name(); got != "VAULT_UNREACHABLE" {
		t.Errorf("with a certificate of another authority: got %s", got)
	}
	a.writePair(options, "first")
	if got := name(); got != "first" {
		t.Errorf("got %s", got)
	}
	// While files are replaced, the connection in use stays.
	if err := os.WriteFile(options.KeyFile, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "first" {
		t.Errorf("got %s", got)
	}
	a.writePair(options, "second")
	if got := name(); got != "second" {
		t.Errorf("got %s", got)
	}
	eventually(t, func() bool { return open.count.Load() == 1 })
}
