// Command consumer is a program that uses the client and azcore, for the tests against a vault. It reads a command in
// JSON from each line of its input, and prints one line with the result.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	tokenvault "tokenvault.internal/client"
	"tokenvault.internal/client/azure"
)

type settings struct {
	Address    string `json:"address"`
	APIKeyFile string `json:"apiKeyFile"`
	Connection string `json:"connection"`
	// Of Graph, over TLS with a certificate of the CA.
	GraphURL string `json:"graphUrl"`
	CAFile   string `json:"caFile"`
}

type command struct {
	Do string `json:"do"`
	// How often.
	Count int `json:"count"`
	// Milliseconds by which the clock of the client is ahead.
	ClockOffset  int64    `json:"clockOffset"`
	Connection   string   `json:"connection"`
	Scopes       []string `json:"scopes"`
	ReturnURL    string   `json:"returnUrl"`
	Confirmation string   `json:"confirmation"`
	TenantID     string   `json:"tenantId"`
}

type result struct {
	// Different values that the calls returned.
	Values []string `json:"values"`
	// How many calls failed.
	Failed int      `json:"failed"`
	Error  *failure `json:"error,omitempty"`
}

type failure struct {
	Code     string             `json:"code"`
	Reason   string             `json:"reason"`
	WhoActs  tokenvault.WhoActs `json:"whoActs"`
	Metadata map[string]string  `json:"metadata"`
	Message  string             `json:"message"`
}

type consumer struct {
	settings   settings
	vault      *tokenvault.Client
	credential *azure.Credential
	graph      *graph
	offset     atomic.Int64
	// The watch in progress.
	watched chan value
}

type value struct {
	text string
	err  error
}

func main() {
	c := &consumer{}
	if err := json.Unmarshal([]byte(os.Args[1]), &c.settings); err != nil {
		log.Fatal(err)
	}
	if err := c.connect(); err != nil {
		log.Fatal(err)
	}
	defer c.vault.Close()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var command command
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			log.Fatal(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(c.run(context.Background(), command)); err != nil {
			log.Fatal(err)
		}
	}
}

func (c *consumer) connect() (err error) {
	c.vault, err = tokenvault.New(tokenvault.Options{
		Address:    c.settings.Address,
		APIKeyFile: c.settings.APIKeyFile,
		Timeout:    2 * time.Second,
		// Tokens of a test may be valid for seconds.
		MinTTL: time.Second,
		Now:    func() time.Time { return time.Now().Add(time.Duration(c.offset.Load()) * time.Millisecond) },
	})
	if err != nil {
		return err
	}
	c.credential = azure.NewCredential(c.vault, azure.CredentialOptions{Connection: c.settings.Connection})
	if c.settings.GraphURL != "" {
		c.graph, err = newGraph(c.credential, c.settings)
	}
	return err
}

func (c *consumer) run(ctx context.Context, command command) result {
	request := tokenvault.Request{Connection: c.settings.Connection, Scopes: command.Scopes}
	switch command.Do {
	case "clock":
		c.offset.Store(command.ClockOffset)
		return result{}
	case "me":
		return repeat(command.Count, func() (string, error) { return c.graph.me(ctx) })
	case "token":
		return repeat(command.Count, func() (string, error) {
			token, err := c.vault.AccessToken(ctx, request)
			return token.Token, err
		})
	case "credential":
		return repeat(1, func() (string, error) { return c.credentialToken(ctx, command) })
	case "watch":
		c.watched = c.watch(ctx, request)
		return result{}
	case "watched":
		next := <-c.watched
		return repeat(1, func() (string, error) { return next.text, next.err })
	case "connect":
		return repeat(1, func() (string, error) {
			links, err := c.vault.Connect(ctx, tokenvault.ConnectRequest{
				Connection: command.Connection, Scopes: command.Scopes, ReturnURL: command.ReturnURL,
			})
			return links.ConnectURI, err
		})
	case "confirm":
		return repeat(1, func() (string, error) {
			return "", c.vault.Confirm(ctx, command.Connection, command.Confirmation)
		})
	default:
		log.Fatalf("%s is not a command", command.Do)
		return result{}
	}
}

func (c *consumer) watch(ctx context.Context, request tokenvault.Request) chan value {
	watched := make(chan value, 100)
	go func() {
		for token, err := range c.vault.Watch(ctx, request) {
			watched <- value{token.Token, err}
		}
	}()
	return watched
}

// repeat makes calls, up to 100 at once.
func repeat(count int, call func() (string, error)) result {
	var mu sync.Mutex
	var wait sync.WaitGroup
	values := make(map[string]bool)
	result := result{Values: []string{}}
	places := make(chan struct{}, 100)
	for range count {
		places <- struct{}{}
		wait.Go(func() {
			text, err := call()
			<-places
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				result.Failed++
				result.Error = toFailure(err)
			} else if !values[text] {
				values[text] = true
				result.Values = append(result.Values, text)
			}
		})
	}
	wait.Wait()
	return result
}

func toFailure(err error) *failure {
	found, ok := errors.AsType[*tokenvault.Error](err)
	if !ok {
		return &failure{Message: err.Error()}
	}
	return &failure{
		Code: code.Code(found.Code).String(), Reason: found.Reason, WhoActs: found.WhoActs, Metadata: found.Metadata,
		Message: err.Error(),
	}
}
