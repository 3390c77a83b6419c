package tokenvault_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	tokenvault "tokenvault.internal/client"
	"tokenvault.internal/client/tokenvaulttest"
)

var adaToken = tokenvault.Request{Connection: ada}

func TestTokenIsKeptUntilRefreshTimeAndRequestedOnceByAll(t *testing.T) {
	f := start(t)
	first := f.all(100, adaToken)
	f.advance(49 * time.Minute)
	f.get(adaToken)
	if len(first) != 1 {
		t.Errorf("got %d tokens", len(first))
	}
	f.wantRequests(1)

	f.advance(2 * time.Minute)
	second := f.all(100, adaToken)
	for token := range second {
		if len(second) != 1 || first[token] != 0 {
			t.Errorf("got %v after %v", second, first)
		}
	}
	f.wantRequests(2)
}

func TestScopesInAnotherOrderAreTheSameToken(t *testing.T) {
	f := start(t)
	scopes := func(scopes ...string) tokenvault.Request { return tokenvault.Request{Connection: ada, Scopes: scopes} }
	one := f.get(scopes("Mail.ReadOnly", "Calendar.ReadOnly"))
	if f.get(scopes("Calendar.ReadOnly", "Mail.ReadOnly")) != one {
		t.Error("another order is another token")
	}
	if f.get(scopes("Mail.ReadOnly")) == one {
		t.Error("other scopes are the same token")
	}
	f.wantRequests(2)
}

func TestWhileTheVaultIsAwayTheLastTokenIsUsedUntilItExpires(t *testing.T) {
	f := start(t)
	token := f.get(adaToken)
	f.fake.Stop()
	f.advance(55 * time.Minute)
	if got := f.all(50, adaToken); got[token] != 50 {
		t.Errorf("got %v", got)
	}

	f.advance(6 * time.Minute)
	failure := f.failure(adaToken)
	if failure.Code != codes.Unavailable || failure.Reason != "VAULT_UNREACHABLE" ||
		failure.WhoActs != tokenvault.WhoActsNone {
		t.Errorf("got %+v", failure)
	}

	if err := f.fake.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		_, err := f.vault.AccessToken(t.Context(), adaToken)
		return err == nil
	})
}

func TestWhileTheLastTokenIsInUseTheVaultIsNotCalledAgainAtOnce(t *testing.T) {
	f := start(t)
	token := f.get(adaToken)
	f.advance(55 * time.Minute)
	f.fake.Fail(tokenvaulttest.Failure{
		Code: codes.Unavailable, Reason: "DATABASE_UNAVAILABLE", RetryAfter: time.Minute,
	}, "")
	for range 50 {
		if f.get(adaToken) != token {
			t.Error("another token")
		}
	}
	f.wantRequests(2)
}

func TestEveryOtherStatusRemovesTheLastTokenAtOnce(t *testing.T) {
	for _, test := range []struct {
		code    codes.Code
		reason  string
		whoActs tokenvault.WhoActs
	}{
		{codes.FailedPrecondition, "REAUTHORIZATION_REQUIRED", tokenvault.WhoActsUser},
		{codes.FailedPrecondition, "CONTAINED", tokenvault.WhoActsOperator},
		{codes.PermissionDenied, "ACCESS_DENIED", tokenvault.WhoActsOperator},
		{codes.Unauthenticated, "UNAUTHENTICATED", tokenvault.WhoActsOperator},
		{codes.NotFound, "CONNECTION_NOT_FOUND", tokenvault.WhoActsCaller},
		{codes.ResourceExhausted, "RATE_LIMITED", tokenvault.WhoActsNone},
	} {
		t.Run(test.reason, func(t *testing.T) {
			f := start(t)
			f.get(adaToken)
			f.advance(55 * time.Minute)
			var retryAfter time.Duration
			if test.code == codes.ResourceExhausted {
				retryAfter = time.Minute
			}
			f.fake.Fail(tokenvaulttest.Failure{
				Code: test.code, Reason: test.reason, RetryAfter: retryAfter,
				Metadata: map[string]string{"resource": ada},
			}, "")
			failure := f.failure(adaToken)
			if failure.Code != test.code || failure.Reason != test.reason || failure.WhoActs != test.whoActs ||
				failure.RetryAfter != retryAfter || failure.Metadata["resource"] != ada {
				t.Errorf("got %+v", failure)
			}

			f.fake.Stop()
			if failure := f.failure(adaToken); failure.Code != codes.Unavailable {
				t.Errorf("got %+v", failure)
			}
		})
	}
}

func TestTransientFailureIsRetriedAfterRetryInfo(t *testing.T) {
	f := start(t)
	f.fake.Fail(tokenvaulttest.Failure{
		Code: codes.ResourceExhausted, Reason: "OVERLOADED", RetryAfter: time.Millisecond, Times: 2,
	}, "")
	f.get(adaToken)
	f.wantRequests(3)
}

func TestFailureThatNeedsAPersonIsNotRetried(t *testing.T) {
	f := start(t)
	f.fake.Fail(tokenvaulttest.Failure{Code: codes.FailedPrecondition, Reason: "CONSENT_REQUIRED"}, "")
	f.failure(adaToken)
	f.wantRequests(1)
}

func TestRetryInfoBeyondTheDeadlineIsNotWaitedFor(t *testing.T) {
	f := start(t)
	f.fake.Fail(tokenvaulttest.Failure{
		Code: codes.Unavailable, Reason: "ENTRA_THROTTLED", RetryAfter: time.Minute,
	}, "")
	if failure := f.failure(adaToken); failure.Reason != "ENTRA_THROTTLED" || failure.RetryAfter != time.Minute {
		t.Errorf("got %+v", failure)
	}
	f.wantRequests(1)
}

func TestRefusedTokenIsReportedOnceByAllAndNotServedAgain(t *testing.T) {
	f := start(t)
	refused := f.get(adaToken)
	report := tokenvault.Request{Connection: ada, RejectedToken: refused}
	renewed := f.all(20, report)
	if len(renewed) != 1 || renewed[refused] != 0 {
		t.Errorf("got %v", renewed)
	}
	if renewed[f.get(report)] == 0 {
		t.Error("a late report got another token")
	}
	f.wantRequests(2)
	hash := sha256.Sum256([]byte(refused))
	if sent := f.fake.Requests()[1].RejectedTokenSHA256; sent != hex.EncodeToString(hash[:]) {
		t.Errorf("got %s", sent)
	}
}

func TestAChallengeIsAnsweredByACallOfItsOwn(t *testing.T) {
	f := start(t)
	f.fake.Fail(tokenvaulttest.Failure{
		Code: codes.Unavailable, Reason: "ENTRA_UNAVAILABLE", RetryAfter: 100 * time.Millisecond, Times: 1,
	}, "")
	plain := make(chan struct{})
	go func() {
		defer close(plain)
		f.all(1, adaToken)
	}()
	eventually(t, func() bool { return len(f.fake.Requests()) == 1 })
	f.get(tokenvault.Request{Connection: ada, Claims: "{}"})
	<-plain
	f.wantRequests(3)
	if sent := f.fake.Requests()[2].Claims; sent != "{}" {
		t.Errorf("got claims %q", sent)
	}
}

func TestRefusedTokenIsNotTheLastGoodToken(t *testing.T) {
	f := start(t)
	refused := f.get(adaToken)
	f.fake.Stop()
	for _, request := range []tokenvault.Request{{Connection: ada, RejectedToken: refused}, adaToken} {
		if failure := f.failure(request); failure.Code != codes.Unavailable {
			t.Errorf("got %+v", failure)
		}
	}
}

func TestCallerWhoseContextEndsStopsNoOther(t *testing.T) {
	f := start(t)
	f.fake.Fail(tokenvaulttest.Failure{
		Code: codes.Unavailable, Reason: "ENTRA_UNAVAILABLE", RetryAfter: 100 * time.Millisecond, Times: 1,
	}, "")
	ctx, cancel := context.WithCancel(t.Context())
	canceled := make(chan error)
	go func() {
		_, err := f.vault.AccessToken(ctx, adaToken)
		canceled <- err
	}()
	eventually(t, func() bool { return len(f.fake.Requests()) == 1 })
	cancel()
	if err := <-canceled; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.get(adaToken)
	f.wantRequests(2)
}

func TestDeadlineOfTheContextIsATypedError(t *testing.T) {
	f := start(t)
	f.fake.Fail(tokenvaulttest.Failure{
		Code: codes.Unavailable, Reason: "ENTRA_UNAVAILABLE", RetryAfter: time.Second,
	}, "")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := f.vault.AccessToken(ctx, adaToken)
	if failure := asError(t, err); failure.Code != codes.DeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v", failure)
	}
}

func TestTokenWhoseRefreshTimeHasPassedIsUsedForAMoment(t *testing.T) {
	f := start(t)
	token := f.fake.Replace(ada, nil, tokenvaulttest.Token{RefreshAt: f.now().Add(-time.Minute)}).Token
	for range 50 {
		if f.get(adaToken) != token {
			t.Error("another token")
		}
	}
	f.wantRequests(1)
}

func TestACallAfterCloseFails(t *testing.T) {
	f := start(t)
	_ = f.vault.Close()
	if _, err := f.vault.AccessToken(t.Context(), adaToken); !errors.Is(err, tokenvault.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestCloseEndsACallInProgress(t *testing.T) {
	f := start(t)
	f.fake.Fail(tokenvaulttest.Failure{
		Code: codes.Unavailable, Reason: "ENTRA_UNAVAILABLE", RetryAfter: time.Hour,
	}, "")
	vault := newClient(t, tokenvault.Options{Address: f.fake.Address, Timeout: 2 * time.Hour})
	ended := make(chan error, 1)
	go func() {
		_, err := vault.AccessToken(context.Background(), adaToken)
		ended <- err
	}()
	eventually(t, func() bool { return len(f.fake.Requests()) == 1 })
	_ = vault.Close()
	eventually(t, func() bool { return len(ended) == 1 })
	if err := <-ended; !errors.Is(err, tokenvault.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestNoTokenIsInWhatAClientPrints(t *testing.T) {
	f := start(t)
	secret := f.fake.Replace(ada, nil, tokenvaulttest.Token{Token: "canary"}).Token
	token, err := f.vault.AccessToken(t.Context(), adaToken)
	if err != nil || token.Token != secret {
		t.Fatal(token.Token, err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		for _, value := range []any{token, &token, f.vault} {
			if printed := fmt.Sprintf(format, value); contains(printed, secret) {
				t.Errorf("%s prints %s", format, printed)
			}
		}
	}
}
