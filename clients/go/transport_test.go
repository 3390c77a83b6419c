package tokenvault_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	tokenvault "tokenvault.internal/client"
	"tokenvault.internal/client/tokenvaulttest"
)

const claims = `{"access_token":{"nbf":{"essential":true,"value":"1790000000"}}}`

var challenge = fmt.Sprintf(`Bearer realm="", error="insufficient_claims", claims="%s"`,
	base64.StdEncoding.EncodeToString([]byte(claims)))

// resource is a server that refuses tokens.
type resource struct {
	*httptest.Server
	refuses   func(token string) bool
	challenge string

	mu       sync.Mutex
	received []string
}

func startResource(t *testing.T) *resource {
	r := &resource{refuses: func(string) bool { return false }}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *resource) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	token := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
	r.mu.Lock()
	r.received = append(r.received, fmt.Sprintf("%s %s %s", request.Method, token, body))
	r.mu.Unlock()
	if strings.HasPrefix(request.URL.Path, "/redirect") {
		http.Redirect(w, request, request.URL.Query().Get("to"), http.StatusFound)
		return
	}
	if r.refuses(token) {
		w.Header().Set("WWW-Authenticate", r.challenge)
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (r *resource) want(t *testing.T, received ...string) {
	t.Helper()
	if got := fmt.Sprintf("%q", r.received); got != fmt.Sprintf("%q", received) {
		t.Errorf("received %s, want %q", got, received)
	}
}

func (f *fixture) http(base string) *http.Client {
	return f.vault.HTTPClient(adaToken, base)
}

// statusOf closes the body. 0: the request failed.
func statusOf(response *http.Response, err error) int {
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func TestOneChallengeIsAnsweredByOneExchangeAndOneRepeatedRequest(t *testing.T) {
	f, r := start(t), startResource(t)
	r.challenge = challenge
	r.refuses = func(token string) bool { return token == "fake-token-1" }
	client := f.http(r.URL)
	if got := statusOf(client.Post(r.URL, "text/plain", strings.NewReader("body"))); got != http.StatusOK {
		t.Errorf("got %d", got)
	}
	r.want(t, "POST fake-token-1 body", "POST fake-token-2 body")
	f.wantRequests(2)
	if sent := f.fake.Requests()[1]; sent.Claims != claims || len(sent.RejectedTokenSHA256) != 64 {
		t.Errorf("got %+v", sent)
	}
	if got := statusOf(client.Get(r.URL)); got != http.StatusOK {
		t.Errorf("got %d", got)
	}
	f.wantRequests(2)
}

func TestTheSecond401ReachesTheCaller(t *testing.T) {
	f, r := start(t), startResource(t)
	r.refuses = func(string) bool { return true }
	if got := statusOf(f.http(r.URL).Get(r.URL)); got != http.StatusUnauthorized {
		t.Errorf("got %d", got)
	}
	r.want(t, "GET fake-token-1 ", "GET fake-token-2 ")
}

func TestABodyThatIsAStreamIsNotRepeated(t *testing.T) {
	f, r := start(t), startResource(t)
	r.refuses = func(token string) bool { return token == "fake-token-1" }
	client := f.http(r.URL)
	stream := io.MultiReader(strings.NewReader("stream"))
	if got := statusOf(client.Post(r.URL, "text/plain", stream)); got != http.StatusUnauthorized {
		t.Errorf("got %d", got)
	}
	r.want(t, "POST fake-token-1 stream")
	if got := statusOf(client.Get(r.URL)); got != http.StatusOK {
		t.Errorf("got %d", got)
	}
}

func TestA401IsReturnedIfTheVaultHasNoNewToken(t *testing.T) {
	f, r := start(t), startResource(t)
	r.refuses = func(string) bool { return true }
	f.get(adaToken)
	f.fake.Fail(tokenvaulttest.Failure{
		Code: codes.ResourceExhausted, Reason: "RATE_LIMITED", RetryAfter: time.Minute,
	}, "")
	if got := statusOf(f.http(r.URL).Get(r.URL)); got != http.StatusUnauthorized {
		t.Errorf("got %d", got)
	}
	r.want(t, "GET fake-token-1 ")
}

func TestAnErrorThatNeedsAPersonIsReturned(t *testing.T) {
	f, r := start(t), startResource(t)
	r.refuses = func(string) bool { return true }
	f.get(adaToken)
	f.fake.Fail(tokenvaulttest.Failure{Code: codes.FailedPrecondition, Reason: "REAUTHORIZATION_REQUIRED"}, "")
	_, err := f.http(r.URL).Get(r.URL)
	if failure := asError(t, err); failure.WhoActs != tokenvault.WhoActsUser {
		t.Errorf("got %+v", failure)
	}
}

func TestTheTokenIsSentToNoOtherHostAndNotWithoutTLS(t *testing.T) {
	f, r, other := start(t), startResource(t), startResource(t)
	for base, target := range map[string]string{
		"":                     r.URL,
		r.URL:                  other.URL,
		"http://graph.invalid": "http://graph.invalid/v1.0/me",
	} {
		_, err := f.http(base).Get(target)
		if err == nil || !strings.Contains(err.Error(), "tokenvault: the token is ") {
			t.Errorf("%q: %s was requested: %v", base, target, err)
		}
	}
	r.want(t)
	other.want(t)

	// As a download at Graph.
	if got := statusOf(f.http(r.URL).Get(r.URL + "/redirect?to=" + other.URL)); got != http.StatusOK {
		t.Errorf("got %d", got)
	}
	other.want(t, "GET  ")
}
