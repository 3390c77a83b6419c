package tokenvault

import (
	"encoding/base64"
	"net/http"
	"testing"
)

func TestReadClaimsChallenge(t *testing.T) {
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1790000000?>"}}}`
	standard := base64.StdEncoding.EncodeToString([]byte(claims))
	for header, want := range map[string]string{
		`Bearer realm="", error="insufficient_claims", claims="` + standard + `"`: claims,
		"Bearer claims=" + standard: claims,
		`PoP nonce="1", Bearer error="x", CLAIMS="` + base64.RawURLEncoding.EncodeToString([]byte(claims)) + `"`: claims,
		"":                                   "",
		`Bearer realm=""`:                    "",
		`Bearer claims="not base64 of JSON"`: "",
		`Bearer claims="` + base64.StdEncoding.EncodeToString([]byte("17")) + `"`: "",
	} {
		if got := readClaimsChallenge(http.Header{"Www-Authenticate": {header}}); got != want {
			t.Errorf("%s: got %q", header, got)
		}
	}
}
