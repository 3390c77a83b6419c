package tokenvault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"google.golang.org/grpc/credentials"
)

// version changes when a file is replaced.
func (o *TLSOptions) version() (string, error) {
	if o == nil {
		return "", nil
	}
	var versions strings.Builder
	for _, file := range []string{o.CAFile, o.CertificateFile, o.KeyFile} {
		if file == "" {
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&versions, "%d,%d;", info.ModTime().UnixNano(), info.Size())
	}
	return versions.String(), nil
}

// read loads the files. Its errors contain no content of them.
func (o *TLSOptions) read() (credentials.TransportCredentials, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o == nil {
		return credentials.NewTLS(config), nil
	}
	config.ServerName = o.ServerName
	if o.CAFile != "" {
		content, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(content) {
			return nil, errors.New("CAFile has no certificate")
		}
	}
	if o.CertificateFile != "" {
		certificate, err := tls.LoadX509KeyPair(o.CertificateFile, o.KeyFile)
		if err != nil {
			return nil, err
		}
		// The vault refuses a certificate better than a client that withholds it because of the CAs in the request.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &certificate, nil
		}
	}
	return credentials.NewTLS(config), nil
}
