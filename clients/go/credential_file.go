package tokenvault

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
)

// credentialFile is a file with an API key or a JWT. It is read for each call, because there are few calls, and a
// projected token is replaced at any time.
type credentialFile struct {
	option, path string
}

func newCredentialFile(o Options) credentialFile {
	if o.APIKeyFile != "" {
		return credentialFile{"APIKeyFile", o.APIKeyFile}
	}
	return credentialFile{"TokenFile", o.TokenFile}
}

// Anything else would make the header invalid.
var credentialText = regexp.MustCompile(`^[\x21-\x7e]+$`)

// read returns the value of the authorization header; empty: none.
func (f credentialFile) read() (string, error) {
	if f.path == "" {
		return "", nil
	}
	content, err := os.ReadFile(f.path)
	if err != nil {
		return "", unusableFile(fmt.Sprintf(
			"%s: %s cannot be read. Check that it exists, and its permissions.", f.option, f.path), err)
	}
	text := strings.TrimSpace(string(content))
	if !credentialText.MatchString(text) {
		return "", unusableFile(fmt.Sprintf(
			"%s: %s must contain the credential and nothing else.", f.option, f.path), nil)
	}
	return "Bearer " + text, nil
}

func unusableFile(message string, cause error) *Error {
	return &Error{
		Code:    codes.Unauthenticated,
		Reason:  "CREDENTIAL_FILE_UNREADABLE",
		WhoActs: WhoActsCaller,
		Message: message,
		cause:   cause,
	}
}
