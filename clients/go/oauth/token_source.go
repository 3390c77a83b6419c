// Package oauth is a token source for programs that use golang.org/x/oauth2.
package oauth

import (
	"context"

	"golang.org/x/oauth2"

	tokenvault "tokenvault.internal/client"
)

type tokenSource struct {
	ctx     context.Context
	vault   *tokenvault.Client
	request tokenvault.Request
}

// NewTokenSource returns a source of the tokens of a connection. ctx limits all its calls. The client keeps the token,
// so use the source in an oauth2.Transport: oauth2.NewClient and oauth2.ReuseTokenSource would use a token until it
// expires, also after the vault refuses it.
func NewTokenSource(ctx context.Context, vault *tokenvault.Client, request tokenvault.Request) oauth2.TokenSource {
	return &tokenSource{ctx: ctx, vault: vault, request: request}
}

// Token returns the current token.
func (s *tokenSource) Token() (*oauth2.Token, error) {
	token, err := s.vault.AccessToken(s.ctx, s.request)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: token.Token, TokenType: "Bearer", Expiry: token.ExpiresAt}, nil
}
