package tokenvault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Transport is an http.RoundTripper that sends the token of a connection to its resource. After a 401 it reports the
// token to the vault, with the claims of the challenge, and repeats the request once with a new token. A second 401 is
// returned. A body without GetBody cannot be repeated: its 401 is returned, and the next request has a new token.
type Transport struct {
	Client *Client
	// The connection and scopes.
	Request Request
	// The URL whose scheme and host get the token. Default: the resource of the token.
	BaseURL string
	// Default: http.DefaultTransport.
	Base http.RoundTripper
}

// HTTPClient returns a client that sends the token of a connection to baseURL, or if it is empty, to the token's resource.
func (c *Client) HTTPClient(request Request, baseURL string) *http.Client {
	return &http.Client{Transport: &Transport{Client: c, Request: request, BaseURL: baseURL}}
}

// RoundTrip sends the request with the current token.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := t.Client.AccessToken(request.Context(), t.Request)
	if err == nil {
		var mayCarry bool
		if mayCarry, err = t.mayCarryToken(request, token); err == nil && !mayCarry {
			return t.base().RoundTrip(request)
		}
	}
	if err != nil {
		closeBody(request)
		return nil, err
	}
	response, err := t.base().RoundTrip(withToken(request, token))
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	return t.repeat(request, token, response)
}

// repeat answers a 401. If the vault has no new token at the moment, the caller gets the response of the resource.
func (t *Transport) repeat(request *http.Request, refused AccessToken, response *http.Response) (*http.Response, error) {
	renewed, err := t.report(request.Context(), refused, response)
	if failure, ok := errors.AsType[*Error](err); ok && failure.IsTemporary() {
		return response, nil
	}
	again := request.Clone(request.Context())
	if err == nil && request.Body != nil && request.Body != http.NoBody {
		if request.GetBody == nil {
			return response, nil
		}
		again.Body, err = request.GetBody()
	}
	if err == nil && renewed.Token == refused.Token {
		closeBody(again)
		return response, nil
	}
	// So that the connection is used again.
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	return t.base().RoundTrip(withToken(again, renewed))
}

func (t *Transport) report(ctx context.Context, refused AccessToken, response *http.Response) (AccessToken, error) {
	report := t.Request
	report.RejectedToken = refused.Token
	report.Claims = readClaimsChallenge(response.Header)
	return t.Client.AccessToken(ctx, report)
}

// mayCarryToken reports whether the request is for the resource. A redirection may lead elsewhere, without the token.
func (t *Transport) mayCarryToken(request *http.Request, token AccessToken) (bool, error) {
	allowed := t.BaseURL
	if allowed == "" {
		allowed = token.Resource
	}
	base, err := url.Parse(allowed)
	if err != nil || base.Host == "" {
		return false, fmt.Errorf("tokenvault: BaseURL: %q is not a URL. Use https://host", allowed)
	}
	if !strings.EqualFold(request.URL.Host, base.Host) {
		if request.Response != nil {
			return false, nil
		}
		return false, fmt.Errorf(
			"tokenvault: the token is not for %s. Call its resource, or set BaseURL", request.URL.Host)
	}
	if request.URL.Scheme != "https" && !isLoopbackHost(request.URL.Hostname()) {
		return false, fmt.Errorf(
			"tokenvault: the token is sent over https only. Change the URL of %s", request.URL.Host)
	}
	return true, nil
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

func withToken(request *http.Request, token AccessToken) *http.Request {
	sent := request.Clone(request.Context())
	sent.Header.Set("Authorization", "Bearer "+token.Token)
	return sent
}

func closeBody(request *http.Request) {
	if request.Body != nil {
		_ = request.Body.Close()
	}
}
