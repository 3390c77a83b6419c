package tokenvault

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
)

const (
	attempts = 4
	// Before the second attempt, after a connection that broke off or was refused.
	firstRetryPause = 100 * time.Millisecond
)

// withRetries repeats a call that failed with UNAVAILABLE or RESOURCE_EXHAUSTED, after the delay of its RetryInfo.
// Without an answer of the vault, it is repeated after short pauses. Fails with the last error once the deadline of ctx
// has passed, or would have.
func withRetries[Response any](
	ctx context.Context, attempt func(context.Context) (Response, error),
) (Response, error) {
	for count := 1; ; count++ {
		response, err := attempt(ctx)
		if err == nil || count == attempts {
			return response, err
		}
		pause, ok := pauseAfter(err, count)
		if !ok {
			return response, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
			return response, err
		}
		if !sleep(ctx, pause) {
			return response, endOf(ctx)
		}
	}
}

// pauseAfter returns false for: no retry.
func pauseAfter(err error, count int) (time.Duration, bool) {
	failure, ok := errors.AsType[*Error](err)
	if !ok || failure.Code != codes.Unavailable && failure.Code != codes.ResourceExhausted {
		return 0, false
	}
	if failure.RetryAfter > 0 {
		return jitter(failure.RetryAfter, 1, 1.2), true
	}
	return jitter(firstRetryPause<<(count-1), 0.5, 1.5), true
}

// jitter multiplies by a random factor.
func jitter(pause time.Duration, from, to float64) time.Duration {
	return time.Duration(float64(pause) * (from + (to-from)*rand.Float64()))
}

// sleep returns false when ctx is done first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
