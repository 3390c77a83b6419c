package tokenvault

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestACallWithoutAnAnswerOfTheVaultHasAReason(t *testing.T) {
	for code, want := range map[codes.Code]Error{
		codes.Unavailable:      {Code: codes.Unavailable, Reason: "VAULT_UNREACHABLE", WhoActs: WhoActsNone},
		codes.DeadlineExceeded: {Code: codes.DeadlineExceeded, Reason: "DEADLINE_EXCEEDED", WhoActs: WhoActsNone},
		codes.Internal:         {Code: codes.Unavailable, Reason: "CONNECTION_LOST", WhoActs: WhoActsNone},
		codes.Canceled:         {Code: codes.Unavailable, Reason: "CONNECTION_LOST", WhoActs: WhoActsNone},
		codes.Unimplemented:    {Code: codes.Unimplemented, Reason: "UNIMPLEMENTED", WhoActs: WhoActsOperator},
	} {
		got, ok := errors.AsType[*Error](toError(t.Context(), status.Error(code, "details")))
		if !ok || got.Code != want.Code || got.Reason != want.Reason || got.WhoActs != want.WhoActs {
			t.Errorf("%s: got %+v", code, got)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := toError(ctx, status.FromContextError(ctx.Err()).Err()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
