package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

const defaultScope = "https://graph.microsoft.com/.default"

// graph calls Graph through a pipeline of azcore, as the SDKs of Microsoft do.
type graph struct {
	pipeline runtime.Pipeline
	url      string
}

func newGraph(credential azcore.TokenCredential, settings settings) (*graph, error) {
	ca, err := os.ReadFile(settings.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("caFile has no certificate")
	}
	transport := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	pipeline := runtime.NewPipeline("consumer", "v0", runtime.PipelineOptions{
		PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(credential, []string{defaultScope}, nil)},
	}, &policy.ClientOptions{Transport: transport})
	return &graph{pipeline: pipeline, url: settings.GraphURL}, nil
}

// me returns the name of the user.
func (g *graph) me(ctx context.Context) (string, error) {
	request, err := runtime.NewRequest(ctx, http.MethodGet, runtime.JoinPaths(g.url, "v1.0/me"))
	if err != nil {
		return "", err
	}
	response, err := g.pipeline.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if !runtime.HasStatusCode(response, http.StatusOK) {
		return "", runtime.NewResponseError(response)
	}
	var user struct {
		UserPrincipalName string `json:"userPrincipalName"`
	}
	err = runtime.UnmarshalAsJSON(response, &user)
	return user.UserPrincipalName, err
}

func (c *consumer) credentialToken(ctx context.Context, command command) (string, error) {
	token, err := c.credential.GetToken(ctx, policy.TokenRequestOptions{
		Scopes: []string{defaultScope}, TenantID: command.TenantID,
	})
	return token.Token, err
}
