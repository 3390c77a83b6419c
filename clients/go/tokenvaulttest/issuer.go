package tokenvaulttest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Token is a token of a fake vault.
type Token struct {
	Token                string
	ExpiresAt, RefreshAt time.Time
	Resource             string
	Permissions          []string
}

const (
	resource            = "https://graph.microsoft.com"
	lifetime            = time.Hour
	refreshBeforeExpiry = 10 * time.Minute
)

// issuer issues a token for each connection and scopes, and another one when it is reported or about to expire.
type issuer struct {
	now     func() time.Time
	current map[string]held
	count   int
}

type held struct {
	Token
	// Until then, it is served.
	end time.Time
}

func newIssuer(now func() time.Time) *issuer {
	return &issuer{now: now, current: make(map[string]held)}
}

func (i *issuer) serve(request Request) Token {
	key := keyOf(request.Connection, request.Scopes)
	current, ok := i.current[key]
	if !ok || !i.now().Before(current.end) {
		return i.issue(key)
	}
	hash := sha256.Sum256([]byte(current.Token.Token))
	isRejected := hex.EncodeToString(hash[:]) == request.RejectedTokenSHA256
	isChallenged := request.Claims != "" && request.RejectedTokenSHA256 == ""
	if isRejected || isChallenged {
		return i.issue(key)
	}
	return current.Token
}

func (i *issuer) issue(key string) Token {
	token := i.complete(Token{})
	i.current[key] = held{Token: token, end: token.RefreshAt}
	return token
}

func (i *issuer) replace(key string, token Token) Token {
	token = i.complete(token)
	i.current[key] = held{Token: token, end: token.ExpiresAt}
	return token
}

func (i *issuer) complete(token Token) Token {
	i.count++
	if token.Token == "" {
		token.Token = fmt.Sprintf("fake-token-%d", i.count)
	}
	if token.ExpiresAt.IsZero() {
		token.ExpiresAt = i.now().Add(lifetime)
	}
	if token.RefreshAt.IsZero() {
		token.RefreshAt = token.ExpiresAt.Add(-refreshBeforeExpiry)
	}
	if token.Resource == "" {
		token.Resource = resource
	}
	return token
}

func keyOf(connection string, scopes []string) string {
	sorted := slices.Sorted(slices.Values(scopes))
	return strings.Join(append([]string{connection}, sorted...), " ")
}
