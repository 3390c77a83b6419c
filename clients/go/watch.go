package tokenvault

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "tokenvault.internal/client/gen/tokenvault/v1"
)

const (
	firstWatchPause   = 250 * time.Millisecond
	longestWatchPause = 10 * time.Second
)

// watchToken yields the current token, and each new one. The stream is opened again when it completes or breaks off.
func watchToken(ctx context.Context, c *calls, request Request, minTTL time.Duration) iter.Seq2[AccessToken, error] {
	return func(yield func(AccessToken, error) bool) {
		last := ""
		for failures := 0; ctx.Err() == nil; {
			var wait time.Duration
			err := streamTokens(ctx, c, request, minTTL, func(token AccessToken) bool {
				failures = 0
				if token.Token == last {
					return true
				}
				last = token.Token
				return yield(token, nil)
			})
			if err == errStopped || ctx.Err() != nil {
				return
			}
			if err != nil {
				failure, ok := errors.AsType[*Error](err)
				if !ok || !mayWatchAgain(failure, failures) {
					yield(AccessToken{}, err)
					return
				}
				wait = failure.RetryAfter
			}
			pause := jitter(min(longestWatchPause, firstWatchPause<<min(failures, 6)), 0.5, 1)
			failures++
			sleep(ctx, max(wait, pause))
		}
	}
}

func mayWatchAgain(failure *Error, failures int) bool {
	// The credential that opened the stream has expired. A projected token has been renewed by now.
	mayBeRenewed := failures == 0 && failure.Metadata["tokenFault"] == "expired"
	return failure.IsTemporary() || mayBeRenewed
}

// errStopped: the consumer wants no more tokens.
var errStopped = errors.New("stopped")

// streamTokens passes on the tokens of one stream. Returns nil if the vault completed it.
func streamTokens(
	ctx context.Context, c *calls, request Request, minTTL time.Duration, pass func(AccessToken) bool,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	callCtx, conn, release, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer release()
	stream, err := pb.NewTokenServiceClient(conn).WatchAccessToken(callCtx, &pb.WatchAccessTokenRequest{
		Connection: request.Connection,
		Scopes:     request.Scopes,
		MinTtl:     durationpb.New(minTTL),
	})
	if err != nil {
		return toError(ctx, err)
	}
	for {
		response, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return toError(ctx, err)
		}
		if !pass(toAccessToken(response)) {
			return errStopped
		}
	}
}
