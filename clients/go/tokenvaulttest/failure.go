package tokenvaulttest

import (
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Failure says how calls to a fake vault fail.
type Failure struct {
	Code codes.Code
	// As in error_reason.proto: REAUTHORIZATION_REQUIRED.
	Reason   string
	Metadata map[string]string
	// For RetryInfo. 0: none.
	RetryAfter time.Duration
	// How many calls fail. 0: all, until Recover.
	Times int
}

// toError returns a status with the details that the vault sends (AIP-193).
func (f Failure) toError() error {
	details := []protoadapt.MessageV1{
		&errdetails.ErrorInfo{Domain: "tokenvault", Reason: f.Reason, Metadata: f.Metadata},
	}
	if f.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(f.RetryAfter)})
	}
	answer, err := status.New(f.Code, fmt.Sprintf("The fake vault fails [%s]", f.Reason)).WithDetails(details...)
	if err != nil {
		return err
	}
	return answer.Err()
}
