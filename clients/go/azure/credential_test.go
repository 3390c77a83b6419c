package azure_test

import (
	"errors"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"google.golang.org/grpc/codes"

	tokenvault "tokenvault.internal/client"
	"tokenvault.internal/client/azure"
	"tokenvault.internal/client/tokenvaulttest"
)

const (
	connection  = "tenants/acme/connections/ada"
	directoryID = "1b2c3d4e-0000-4000-8000-00000000000a"
	graph       = "https://graph.microsoft.com/.default"
)

func start(t *testing.T) (*tokenvaulttest.Vault, azcore.TokenCredential) {
	t.Helper()
	fake, err := tokenvaulttest.Start(tokenvaulttest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	vault, err := tokenvault.New(tokenvault.Options{Address: fake.Address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vault.Close() })
	return fake, azure.NewCredential(vault, azure.CredentialOptions{Connection: connection, DirectoryID: directoryID})
}

func get(t *testing.T, credential azcore.TokenCredential, options policy.TokenRequestOptions) azcore.AccessToken {
	t.Helper()
	options.Scopes = []string{graph}
	token, err := credential.GetToken(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestScopesGoToTheVaultAndTimesComeBack(t *testing.T) {
	fake, credential := start(t)
	issued := fake.Replace(connection, []string{graph}, tokenvaulttest.Token{})
	token := get(t, credential, policy.TokenRequestOptions{})
	if token.Token != issued.Token || !token.ExpiresOn.Equal(issued.ExpiresAt) ||
		!token.RefreshOn.Equal(issued.RefreshAt) {
		t.Errorf("got %+v", token)
	}
	if sent := fake.Requests(); len(sent) != 1 || sent[0].Scopes[0] != graph {
		t.Errorf("got %+v", sent)
	}
}

func TestClaimsOfAChallengeGoToTheVaultAndEnableCAEMakesNoOtherToken(t *testing.T) {
	fake, credential := start(t)
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
	first := get(t, credential, policy.TokenRequestOptions{})
	if get(t, credential, policy.TokenRequestOptions{EnableCAE: true}) != first {
		t.Error("EnableCAE makes another token")
	}
	second := get(t, credential, policy.TokenRequestOptions{EnableCAE: true, Claims: claims})
	if second.Token == first.Token || get(t, credential, policy.TokenRequestOptions{EnableCAE: true}) != second {
		t.Errorf("got %s after %s", second.Token, first.Token)
	}
	if sent := fake.Requests(); len(sent) != 2 || sent[1].Claims != claims {
		t.Errorf("got %+v", sent)
	}
}

func TestATenantIDOtherThanTheDirectoryIsRefused(t *testing.T) {
	fake, credential := start(t)
	get(t, credential, policy.TokenRequestOptions{TenantID: "1B2C3D4E-0000-4000-8000-00000000000A"})
	for _, tenantID := range []string{"1b2c3d4e-0000-4000-8000-00000000000b", "common"} {
		_, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{TenantID: tenantID})
		var failure *tokenvault.Error
		if !errors.As(err, &failure) || failure.Reason != "TENANT_ID_MISMATCH" || !isPermanent(err) {
			t.Errorf("got %v", err)
		}
	}
	if count := len(fake.Requests()); count != 1 {
		t.Errorf("the vault received %d requests", count)
	}
}

func TestOnlyErrorsThatNoRetryCanHelpAreNonRetriable(t *testing.T) {
	fake, credential := start(t)
	for code, want := range map[codes.Code]bool{
		codes.FailedPrecondition: true,
		codes.PermissionDenied:   true,
		codes.Unavailable:        false,
		codes.ResourceExhausted:  false,
	} {
		fake.Fail(tokenvaulttest.Failure{Code: code, Reason: "REASON"}, "")
		_, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{graph}})
		if err == nil || isPermanent(err) != want {
			t.Errorf("%s: %v is permanent: %v", code, err, isPermanent(err))
		}
	}
}

// isPermanent: as azcore finds it, by errorinfo.NonRetriable.
func isPermanent(err error) bool {
	var permanent interface {
		error
		NonRetriable()
	}
	return errors.As(err, &permanent)
}
