package tokenvault

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

const mostTokens = 10_000

// tokenCache has the tokens of this process, each until its RefreshAt. One call to the vault is in progress for each
// key. The last good token is used until it expires only while the vault cannot be reached; any other failure removes
// it.
type tokenCache struct {
	// Calls the vault. once: without retries, because a token is at hand.
	fetch  func(request Request, once bool) (AccessToken, error)
	now    func() time.Time
	minTTL time.Duration

	mu      sync.Mutex
	tokens  map[string]*keptToken
	flights map[string]*flight
	stored  uint64
}

// flight is a call in progress. Its result is valid once done is closed.
type flight struct {
	request Request
	done    chan struct{}
	token   AccessToken
	err     error
}

func newTokenCache(
	fetch func(Request, bool) (AccessToken, error), now func() time.Time, minTTL time.Duration,
) *tokenCache {
	return &tokenCache{
		fetch: fetch, now: now, minTTL: minTTL,
		tokens: make(map[string]*keptToken), flights: make(map[string]*flight),
	}
}

// get returns a token at hand, or waits for one. The end of ctx ends the wait alone.
func (c *tokenCache) get(ctx context.Context, request Request) (AccessToken, error) {
	key := request.key()
	for {
		token, found, joined := c.findOrFly(key, request)
		if found {
			return token.clone(), nil
		}
		select {
		case <-joined.done:
		case <-ctx.Done():
			return AccessToken{}, endOf(ctx)
		}
		if joined.request.isSame(request) {
			return joined.token.clone(), joined.err
		}
	}
}

// findOrFly returns a token at hand, or the call in progress for the key, and starts one if necessary.
func (c *tokenCache) findOrFly(key string, request Request) (AccessToken, bool, *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if token, found := c.find(key, request); found {
		return token, true, nil
	}
	joined := c.flights[key]
	if joined == nil {
		// The call outlives a caller that stops waiting, and then uses its slice again.
		request.Scopes = slices.Clone(request.Scopes)
		joined = &flight{request: request, done: make(chan struct{})}
		c.flights[key] = joined
		last := c.tokens[key]
		mayFallBack := last != nil && !request.isReport() && last.isUnexpired(c.now())
		go c.fly(key, joined, last, mayFallBack)
	}
	return AccessToken{}, false, joined
}

func (c *tokenCache) fly(key string, started *flight, last *keptToken, mayFallBack bool) {
	token, err := c.fetch(started.request, mayFallBack)
	c.mu.Lock()
	defer c.mu.Unlock()
	started.token, started.err = c.settle(key, started.request, token, err, last, mayFallBack)
	delete(c.flights, key)
	close(started.done)
}

// settle stores what the call returned, or falls back to the last token.
func (c *tokenCache) settle(
	key string, request Request, token AccessToken, err error, last *keptToken, mayFallBack bool,
) (AccessToken, error) {
	if err == nil {
		c.store(key, keep(token, request.Claims, c.now(), last))
		return token, nil
	}
	failure, ok := errors.AsType[*Error](err)
	if !ok || !failure.isOutage() {
		delete(c.tokens, key)
		return AccessToken{}, err
	}
	if mayFallBack && last.isUnexpired(c.now()) {
		c.tokens[key] = last.pause(failure.RetryAfter)
		return last.token, nil
	}
	return AccessToken{}, err
}

func (c *tokenCache) store(key string, kept *keptToken) {
	if _, replaces := c.tokens[key]; !replaces && len(c.tokens) >= mostTokens {
		c.evict()
	}
	c.stored++
	kept.order = c.stored
	c.tokens[key] = kept
}

// evict removes what has expired, or else the token that was stored first.
func (c *tokenCache) evict() {
	now := c.now()
	var oldest string
	for key, kept := range c.tokens {
		if !kept.isUnexpired(now) {
			delete(c.tokens, key)
		} else if held := c.tokens[oldest]; held == nil || kept.order < held.order {
			oldest = key
		}
	}
	if len(c.tokens) >= mostTokens {
		delete(c.tokens, oldest)
	}
}

// find returns a token at hand that serves the request. Removes one that the request refuses.
func (c *tokenCache) find(key string, request Request) (AccessToken, bool) {
	kept := c.tokens[key]
	if kept == nil {
		return AccessToken{}, false
	}
	if kept.token.Token == request.RejectedToken {
		delete(c.tokens, key)
		return AccessToken{}, false
	}
	if !request.isReport() {
		return kept.token, kept.isCurrent(c.now(), c.minTTL)
	}
	// Another request has reported the same token.
	isAnswered := request.RejectedToken != "" && kept.claims == request.Claims
	return kept.token, isAnswered && kept.isUnexpired(c.now())
}
