package tokenvault_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	tokenvault "tokenvault.internal/client"
	"tokenvault.internal/client/tokenvaulttest"
)

func contains(printed, secret string) bool { return strings.Contains(printed, secret) }

// watched is what a consumer of Watch got: a token, or the error at the end.
type watched struct {
	token string
	err   error
}

// watch passes on what Watch yields. The channel is closed at the end.
func (f *fixture) watch(ctx context.Context) <-chan watched {
	seen := make(chan watched)
	go func() {
		defer close(seen)
		for token, err := range f.vault.Watch(ctx, adaToken) {
			seen <- watched{token.Token, err}
		}
	}()
	return seen
}

func TestWatchYieldsEachTokenOnceGoesOnAfterAnOutageAndFailsWhenRefused(t *testing.T) {
	f := start(t)
	seen := f.watch(t.Context())
	<-seen
	second := f.fake.Replace(ada, nil, tokenvaulttest.Token{})
	if got := <-seen; got.token != second.Token {
		t.Errorf("got %+v", got)
	}
	f.fake.Replace(ada, nil, tokenvaulttest.Token{Token: second.Token})
	third := f.fake.Replace(ada, nil, tokenvaulttest.Token{})
	if got := <-seen; got.token != third.Token {
		t.Errorf("got %+v", got)
	}
	f.fake.Stop()
	if err := f.fake.Restart(); err != nil {
		t.Fatal(err)
	}
	fourth := f.fake.Replace(ada, nil, tokenvaulttest.Token{})
	if got := <-seen; got.token != fourth.Token {
		t.Errorf("got %+v", got)
	}

	f.fake.Fail(tokenvaulttest.Failure{Code: codes.PermissionDenied, Reason: "ACCESS_DENIED"}, "")
	if failure := asError(t, (<-seen).err); failure.Reason != "ACCESS_DENIED" {
		t.Errorf("got %+v", failure)
	}
	if _, more := <-seen; more {
		t.Error("it went on after the error")
	}
}

func TestWatchGoesOnWhenTheCredentialThatOpenedItExpires(t *testing.T) {
	f := start(t)
	seen := f.watch(t.Context())
	<-seen
	expired := tokenvaulttest.Failure{
		Code: codes.Unauthenticated, Reason: "UNAUTHENTICATED", Metadata: map[string]string{"tokenFault": "expired"},
	}
	f.fake.Fail(expired, "")
	f.fake.Recover()
	next := f.fake.Replace(ada, nil, tokenvaulttest.Token{})
	if got := <-seen; got.token != next.Token {
		t.Errorf("got %+v", got)
	}

	f.fake.Fail(expired, "")
	if failure := asError(t, (<-seen).err); failure.Code != codes.Unauthenticated {
		t.Errorf("got %+v", failure)
	}
}

func TestWatchEndsWithItsContextWithTheClientAndWithTheLoop(t *testing.T) {
	f := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range f.vault.Watch(ctx, adaToken) {
		if err != nil {
			t.Error(err)
		}
		cancel()
	}
	for range f.vault.Watch(t.Context(), adaToken) {
		break
	}
	for _, err := range f.vault.Watch(t.Context(), adaToken) {
		if err != nil {
			t.Error(err)
		}
		_ = f.vault.Close()
	}
}

func TestAnAccessTokenAsJSONHasNoToken(t *testing.T) {
	text, err := json.Marshal(tokenvault.AccessToken{Token: "canary"})
	if err != nil || contains(string(text), "canary") {
		t.Error(string(text), err)
	}
}
