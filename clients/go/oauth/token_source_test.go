package oauth_test

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"

	tokenvault "tokenvault.internal/client"
	"tokenvault.internal/client/oauth"
	"tokenvault.internal/client/tokenvaulttest"
)

func TestTokenSource(t *testing.T) {
	fake, err := tokenvaulttest.Start(tokenvaulttest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	vault, err := tokenvault.New(tokenvault.Options{Address: fake.Address})
	if err != nil {
		t.Fatal(err)
	}
	defer vault.Close()
	source := oauth.NewTokenSource(t.Context(), vault, tokenvault.Request{Connection: "tenants/acme/connections/ada"})
	token, err := source.Token()
	if err != nil || !token.Valid() || token.Type() != "Bearer" || token.AccessToken != "fake-token-1" {
		t.Errorf("got %v", err)
	}

	refused := oauth.NewTokenSource(t.Context(), vault, tokenvault.Request{Connection: "tenants/acme/connections/x"})
	fake.Fail(tokenvaulttest.Failure{Code: codes.NotFound, Reason: "CONNECTION_NOT_FOUND"}, "")
	_, err = refused.Token()
	var failure *tokenvault.Error
	if !errors.As(err, &failure) || failure.WhoActs != tokenvault.WhoActsCaller {
		t.Errorf("got %v", err)
	}
}
