package tokenvault_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	tokenvault "tokenvault.internal/client"
	"tokenvault.internal/client/tokenvaulttest"
)

const ada = "tenants/acme/connections/ada"

// fixture is a client of a fake vault, with a clock that both follow.
type fixture struct {
	*testing.T
	fake   *tokenvaulttest.Vault
	vault  *tokenvault.Client
	offset atomic.Int64
}

func start(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	f := &fixture{T: t}
	fake, err := tokenvaulttest.Start(tokenvaulttest.Options{Now: f.now})
	if err != nil {
		t.Fatal(err)
	}
	f.fake = fake
	t.Cleanup(fake.Close)
	f.vault = f.client(tokenvault.Options{})
	return f
}

// client returns another client of the same vault.
func (f *fixture) client(options tokenvault.Options) *tokenvault.Client {
	f.Helper()
	options.Address = f.fake.Address
	options.Now = f.now
	options.Timeout = 2 * time.Second
	vault, err := tokenvault.New(options)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = vault.Close() })
	return vault
}

func (f *fixture) now() time.Time { return time.Now().Add(time.Duration(f.offset.Load())) }

func (f *fixture) advance(by time.Duration) { f.offset.Add(int64(by)) }

// get returns the token of a request that succeeds.
func (f *fixture) get(request tokenvault.Request) string {
	f.Helper()
	token, err := f.vault.AccessToken(f.Context(), request)
	if err != nil {
		f.Fatal(err)
	}
	return token.Token
}

// failure returns the error of a request that fails.
func (f *fixture) failure(request tokenvault.Request) *tokenvault.Error {
	f.Helper()
	_, err := f.vault.AccessToken(f.Context(), request)
	return asError(f, err)
}

func asError(t testing.TB, err error) *tokenvault.Error {
	t.Helper()
	var failure *tokenvault.Error
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want a *tokenvault.Error", err)
	}
	return failure
}

// all makes the same request many times at once, and returns the tokens by their number.
func (f *fixture) all(count int, request tokenvault.Request) map[string]int {
	f.Helper()
	type answer struct {
		token tokenvault.AccessToken
		err   error
	}
	answers := make(chan answer)
	for range count {
		go func() {
			token, err := f.vault.AccessToken(context.Background(), request)
			answers <- answer{token, err}
		}()
	}
	tokens := make(map[string]int)
	for range count {
		answer := <-answers
		if answer.err != nil {
			f.Error(answer.err)
		}
		tokens[answer.token.Token]++
	}
	return tokens
}

func (f *fixture) wantRequests(count int) {
	f.Helper()
	if got := len(f.fake.Requests()); got != count {
		f.Errorf("the vault received %d requests, want %d", got, count)
	}
}

// eventually waits for a condition. The limit guards against what hangs.
func eventually(t testing.TB, condition func() bool) {
	t.Helper()
	limit := time.After(15 * time.Second)
	for !condition() {
		select {
		case <-limit:
			t.Fatal("the condition was not met")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
