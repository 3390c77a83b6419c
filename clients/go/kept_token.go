package tokenvault

import "time"

const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// keptToken is a token in the cache.
type keptToken struct {
	token AccessToken
	// The challenge that it answers.
	claims string
	// Until then (monotonic), it is used beyond its RefreshAt.
	pauseEnd time.Time
	// How often in a row there was a pause.
	pauses int
	// Its place in the order of storing.
	order uint64
}

// keep returns a new token. If its RefreshAt has passed, the vault has none newer, or a clock is wrong: it is used for a
// moment.
func keep(token AccessToken, claims string, now time.Time, before *keptToken) *keptToken {
	kept := &keptToken{token: token, claims: claims}
	if now.Before(token.RefreshAt) {
		return kept
	}
	if before != nil {
		kept.pauses = before.pauses
	}
	return kept.pause(0)
}

// pause uses the token until the next attempt, which is later each time, with jitter.
func (k *keptToken) pause(atLeast time.Duration) *keptToken {
	longest := longestPause
	if k.pauses < 5 {
		longest = min(longest, firstPause<<k.pauses)
	}
	paused := *k
	paused.pauseEnd = time.Now().Add(max(atLeast, jitter(longest, 0.5, 1)))
	paused.pauses++
	return &paused
}

func (k *keptToken) isUnexpired(now time.Time) bool { return now.Before(k.token.ExpiresAt) }

// isCurrent: the vault need not be called.
func (k *keptToken) isCurrent(now time.Time, minTTL time.Duration) bool {
	if now.Before(k.token.RefreshAt) && !now.Add(minTTL).After(k.token.ExpiresAt) {
		return true
	}
	return k.isUnexpired(now) && time.Now().Before(k.pauseEnd)
}
