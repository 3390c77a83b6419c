// Package azure is a credential for the SDKs of Microsoft (azcore.TokenCredential).
package azure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"google.golang.org/grpc/codes"

	tokenvault "tokenvault.internal/client"
)

// CredentialOptions name the connection whose tokens are used.
type CredentialOptions struct {
	// tenants/{tenant}/connections/{connection}.
	Connection string
	// The directory (GUID) of the connected account, for SDKs that pass a TenantID. Default: the vault is asked, which
	// needs the role connector.
	DirectoryID string
}

// Credential is an azcore.TokenCredential. X/.default means the scopes of this connection for resource X.
type Credential struct {
	vault      *tokenvault.Client
	connection string

	mu          sync.Mutex
	directoryID string
}

var _ azcore.TokenCredential = (*Credential)(nil)

// NewCredential returns a credential of one connection.
func NewCredential(vault *tokenvault.Client, options CredentialOptions) *Credential {
	return &Credential{vault: vault, connection: options.Connection, directoryID: options.DirectoryID}
}

// GetToken returns a token, which the client keeps. EnableCAE is a permission: the client_capabilities of the app decide
// whether tokens are evaluated continuously. An error that no retry can help is marked as non-retriable.
func (c *Credential) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if options.TenantID != "" {
		if err := c.checkDirectory(ctx, options.TenantID); err != nil {
			return azcore.AccessToken{}, markPermanent(err)
		}
	}
	request := tokenvault.Request{Connection: c.connection, Scopes: options.Scopes, Claims: options.Claims}
	token, err := c.vault.AccessToken(ctx, request)
	if err != nil {
		return azcore.AccessToken{}, markPermanent(err)
	}
	return azcore.AccessToken{Token: token.Token, ExpiresOn: token.ExpiresAt, RefreshOn: token.RefreshAt}, nil
}

// checkDirectory refuses another directory, because its token would be one of another account.
func (c *Credential) checkDirectory(ctx context.Context, tenantID string) error {
	directoryID, err := c.directory(ctx)
	if err != nil {
		return err
	}
	if strings.EqualFold(directoryID, tenantID) {
		return nil
	}
	return &tokenvault.Error{
		Code:    codes.InvalidArgument,
		Reason:  "TENANT_ID_MISMATCH",
		WhoActs: tokenvault.WhoActsCaller,
		Message: fmt.Sprintf("TenantID: %s is not the directory of %s. Leave it out, or use another connection.",
			tenantID, c.connection),
	}
}

func (c *Credential) directory(ctx context.Context) (string, error) {
	c.mu.Lock()
	known := c.directoryID
	c.mu.Unlock()
	if known != "" {
		return known, nil
	}
	// Without the lock, so that no caller waits for the context of another.
	found, err := c.vault.DirectoryID(ctx, c.connection)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.directoryID = found
	return found, nil
}

// permanentError has the method of errorinfo.NonRetriable, by which azcore knows that a retry cannot help.
type permanentError struct{ error }

func (permanentError) NonRetriable() {}

func (e permanentError) Unwrap() error { return e.error }

func markPermanent(err error) error {
	if failure, ok := errors.AsType[*tokenvault.Error](err); ok && !failure.IsTemporary() {
		return permanentError{err}
	}
	return err
}
