package tokenvault

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// toError converts an error of gRPC and its details (AIP-193). The end of ctx is not an error of the vault.
func toError(ctx context.Context, err error) error {
	answer := status.Convert(err)
	var info *errdetails.ErrorInfo
	var retryAfter time.Duration
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			info = detail
		case *errdetails.RetryInfo:
			retryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	if info == nil {
		return withoutAnswer(ctx, answer.Code(), answer.Message())
	}
	return &Error{
		Code:       answer.Code(),
		Reason:     info.GetReason(),
		WhoActs:    whoActs(info.GetReason()),
		Metadata:   info.GetMetadata(),
		RetryAfter: retryAfter,
		Message:    answer.Message(),
	}
}

// withoutAnswer is a call without an answer of the vault. A connection that breaks off is reported as INTERNAL or
// CANCELLED, too.
func withoutAnswer(ctx context.Context, status codes.Code, details string) error {
	switch status {
	case codes.Unavailable:
		return &Error{
			Code: status, Reason: "VAULT_UNREACHABLE", WhoActs: WhoActsNone,
			Message: fmt.Sprintf(
				"Token Vault cannot be reached: %s. Check the address, and whether the vault runs.", details),
		}
	case codes.DeadlineExceeded:
		return deadlineExceeded()
	case codes.Internal, codes.Canceled:
		if ctx.Err() != nil {
			return endOf(ctx)
		}
		return &Error{
			Code: codes.Unavailable, Reason: "CONNECTION_LOST", WhoActs: WhoActsNone,
			Message: fmt.Sprintf("The connection to Token Vault broke off: %s. Call again.", details),
		}
	default:
		reason := code.Code(status).String()
		return &Error{Code: status, Reason: reason, WhoActs: whoActs(reason), Message: details}
	}
}

func deadlineExceeded() *Error {
	return &Error{
		Code: codes.DeadlineExceeded, Reason: "DEADLINE_EXCEEDED", WhoActs: WhoActsNone,
		Message: "Token Vault did not answer before the deadline. Call again, or set a longer timeout.",
		cause:   context.DeadlineExceeded,
	}
}

// endOf is the error of a context that is done.
func endOf(ctx context.Context) error {
	if context.Cause(ctx) == ErrClosed {
		return ErrClosed
	}
	if ctx.Err() == context.DeadlineExceeded {
		return deadlineExceeded()
	}
	return ctx.Err()
}
