package tokenvault

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// vaultAddress is an address of the vault as gRPC needs it.
type vaultAddress struct {
	// With its scheme; empty for a list of endpoints.
	target string
	// host:port, of ipv4: and ipv6:, which gRPC for Go does not resolve.
	endpoints []string
	// Whether only this machine can reach it, so that keys may travel in plaintext.
	isLoopback bool
}

var (
	schemes  = regexp.MustCompile(`^(dns:///|ipv4:|ipv6:|unix:)(.*)$`)
	hostName = regexp.MustCompile(`^[\w.-]+$`)
)

func parseAddress(address string) (vaultAddress, error) {
	scheme, rest := "", address
	if found := schemes.FindStringSubmatch(address); found != nil {
		scheme, rest = found[1], found[2]
	}
	if scheme == "unix:" && rest != "" {
		return vaultAddress{target: address, isLoopback: true}, nil
	}
	isList := scheme == "ipv4:" || scheme == "ipv6:"
	endpoints := []string{rest}
	if isList {
		endpoints = strings.Split(rest, ",")
	}
	parsed := vaultAddress{isLoopback: true}
	for _, endpoint := range endpoints {
		host, ok := hostOf(endpoint, isList)
		if !ok {
			return vaultAddress{}, fmt.Errorf(
				"Address: %q is not an address. Use host:port, dns:///host:port or unix:/path", address)
		}
		parsed.isLoopback = parsed.isLoopback && isLoopbackHost(host)
	}
	if isList {
		parsed.endpoints = endpoints
	} else {
		parsed.target = "dns:///" + rest
	}
	return parsed, nil
}

func hostOf(endpoint string, isIP bool) (string, bool) {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		return "", false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", false
	}
	_, notIP := netip.ParseAddr(host)
	return host, notIP == nil || !isIP && hostName.MatchString(host)
}

func isLoopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
