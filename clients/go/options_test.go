package tokenvault_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	tokenvault "tokenvault.internal/client"
	"tokenvault.internal/client/tokenvaulttest"
)

const key = "tv1_canary"

func writeFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credential")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newClient(t testing.TB, options tokenvault.Options) *tokenvault.Client {
	t.Helper()
	vault, err := tokenvault.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vault.Close() })
	return vault
}

func TestACredentialFileIsReadAgain(t *testing.T) {
	f := start(t)
	path := writeFile(t, "first\n")
	for _, options := range []tokenvault.Options{{APIKeyFile: path}, {TokenFile: path}} {
		f.vault = f.client(options)
		before := len(f.fake.Requests())
		for _, credential := range []string{"first", "second"} {
			if err := os.WriteFile(path, []byte(credential+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			f.get(tokenvault.Request{Connection: ada + credential})
		}
		got := f.fake.Requests()[before:]
		if len(got) != 2 || got[0].Authorization != "Bearer first" || got[1].Authorization != "Bearer second" {
			t.Errorf("got %+v", got)
		}
	}
}

func TestAnUnusableCredentialFileIsATypedErrorThatDoesNotQuoteIt(t *testing.T) {
	for _, path := range []string{
		filepath.Join(t.TempDir(), "missing"), writeFile(t, ""), writeFile(t, "one\ntwo\n"),
	} {
		vault := newClient(t, tokenvault.Options{Address: "127.0.0.1:1", APIKeyFile: path})
		_, err := vault.AccessToken(t.Context(), adaToken)
		failure := asError(t, err)
		if failure.Reason != "CREDENTIAL_FILE_UNREADABLE" || failure.WhoActs != tokenvault.WhoActsCaller ||
			!strings.HasPrefix(err.Error(), "APIKeyFile: ") || strings.Contains(err.Error(), "two") {
			t.Errorf("got %+v", failure)
		}
		if strings.HasSuffix(path, "missing") != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the cause of %v is %v", err, errors.Unwrap(err))
		}
	}
}

func TestContradictingOptionsAreRefused(t *testing.T) {
	for _, options := range []tokenvault.Options{
		{APIKeyFile: "a", TokenFile: "b"},
		{APIKeyFile: "a", TLS: &tokenvault.TLSOptions{CertificateFile: "c", KeyFile: "k"}},
		{TLS: &tokenvault.TLSOptions{KeyFile: "k"}},
		{Timeout: -time.Second},
		{Address: "https://vault.example"},
	} {
		if options.Address == "" {
			options.Address = "127.0.0.1:1"
		}
		if _, err := tokenvault.New(options); err == nil {
			t.Errorf("%+v is accepted", options)
		}
	}
}

// listen passes the first bytes of each connection on.
func listen(t *testing.T, address string) (port string, received <-chan []byte) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	first := make(chan []byte, 100)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			content := make([]byte, 4096)
			count, _ := connection.Read(content)
			first <- content[:count]
			_ = connection.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port, first
}

func TestBeyondLoopbackTheFirstBytesAreThoseOfTLS(t *testing.T) {
	port, received := listen(t, "127.0.0.1:0")
	// Leads to this machine, but is not in the range of loopback.
	vault := newClient(t, tokenvault.Options{
		Address: "0.0.0.0:" + port, APIKeyFile: writeFile(t, key), Timeout: 5 * time.Second,
	})
	_, err := vault.AccessToken(t.Context(), adaToken)
	if failure := asError(t, err); failure.Code != codes.Unavailable {
		t.Errorf("got %+v", failure)
	}
	if content := <-received; len(content) == 0 || content[0] != 0x16 || strings.Contains(string(content), key) {
		t.Errorf("received %q", content)
	}
}

func TestAProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	var isUsed atomic.Bool
	port, received := listen(t, "127.0.0.1:0")
	go func() {
		<-received
		isUsed.Store(true)
	}()
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:"+port)
	vault := newClient(t, tokenvault.Options{
		Address: "0.0.0.0:1", APIKeyFile: writeFile(t, key), Timeout: time.Second,
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := vault.AccessToken(ctx, adaToken)
	if failure := asError(t, err); failure.Reason != "VAULT_UNREACHABLE" || isUsed.Load() {
		t.Errorf("got %+v, through the proxy: %v", failure, isUsed.Load())
	}
}

func TestAllAddressesOfAListAreUsed(t *testing.T) {
	one := start(t)
	other, err := tokenvaulttest.Start(tokenvaulttest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	vault := newClient(t, tokenvault.Options{
		Address: "ipv4:" + one.fake.Address + "," + other.Address, Timeout: 5 * time.Second,
	})
	count := 0
	eventually(t, func() bool {
		count++
		request := tokenvault.Request{Connection: ada, Claims: strings.Repeat("x", count)}
		if _, err := vault.AccessToken(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		return len(one.fake.Requests()) > 0 && len(other.Requests()) > 0
	})
}
