package tokenvault

import (
	"errors"
	"time"

	"google.golang.org/grpc/codes"
)

// Error is a failed call. It never contains a token or a key. Find it with [errors.As].
type Error struct {
	// The status code of gRPC.
	Code codes.Code
	// The vault's reason, such as REAUTHORIZATION_REQUIRED. Without an answer of the vault: VAULT_UNREACHABLE,
	// CONNECTION_LOST, DEADLINE_EXCEEDED, or what this package found (CREDENTIAL_FILE_UNREADABLE,
	// TENANT_ID_MISMATCH).
	Reason string
	// Who removes the cause.
	WhoActs WhoActs
	// Facts from google.rpc.ErrorInfo: resource, entraError, correlationId, …
	Metadata map[string]string
	// How long to wait before a retry can help. 0: the vault does not say.
	RetryAfter time.Duration
	// What happened, and what to do next.
	Message string

	cause error
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap is the cause, if it is one of this process: a file that cannot be read, or a context that is done.
func (e *Error) Unwrap() error { return e.cause }

// IsTemporary reports whether the same call can succeed later without anybody acting.
func (e *Error) IsTemporary() bool { return e.isOutage() || e.Code == codes.ResourceExhausted }

// isOutage: the vault did not answer, or says that it cannot answer now. The last good token may still be used.
func (e *Error) isOutage() bool {
	return e.Code == codes.Unavailable || e.Code == codes.DeadlineExceeded
}

// ErrClosed is the error of calls after Close.
var ErrClosed = errors.New("tokenvault: the client is closed. Create another one")
