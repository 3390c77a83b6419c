package tokenvault

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

var claimsParameter = regexp.MustCompile(`(?i)\bclaims=(?:"([^"]*)"|([\w+/=-]+))`)

// readClaimsChallenge returns the claims of a claims challenge in WWW-Authenticate, decoded. Empty: it has none, or a
// malformed one. https://learn.microsoft.com/entra/identity-platform/claims-challenge
func readClaimsChallenge(header http.Header) string {
	for _, value := range header.Values("WWW-Authenticate") {
		found := claimsParameter.FindStringSubmatch(value)
		if found == nil {
			continue
		}
		// Standard or URL alphabet, with or without padding.
		encoded := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(found[1] + found[2])
		claims, err := base64.RawStdEncoding.DecodeString(encoded)
		var object map[string]any
		if err == nil && json.Unmarshal(claims, &object) == nil && object != nil {
			return string(claims)
		}
	}
	return ""
}
