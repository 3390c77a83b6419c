package tokenvault

import "testing"

func TestParseAddress(t *testing.T) {
	for _, test := range []struct {
		address, target string
		isLoopback      bool
	}{
		{"vault.example:50051", "dns:///vault.example:50051", false},
		{"dns:///vault.example:50051", "dns:///vault.example:50051", false},
		{"10.0.0.1:50051", "dns:///10.0.0.1:50051", false},
		{"127.0.0.1:50051", "dns:///127.0.0.1:50051", true},
		{"LOCALHOST:50051", "dns:///LOCALHOST:50051", true},
		{"[::1]:50051", "dns:///[::1]:50051", true},
		{"unix:/run/vault.sock", "unix:/run/vault.sock", true},
		{"ipv4:127.0.0.1:1,127.0.0.2:2", "", true},
		{"ipv6:[::1]:1,[::2]:2", "", false},
		{"ipv4:127.0.0.1:1,10.0.0.1:2", "", false},
		{"localhost.evil.example:50051", "dns:///localhost.evil.example:50051", false},
		{"127.0.0.1.evil.example:50051", "dns:///127.0.0.1.evil.example:50051", false},
	} {
		parsed, err := parseAddress(test.address)
		if err != nil || parsed.target != test.target || parsed.isLoopback != test.isLoopback {
			t.Errorf("%s: got %+v, %v", test.address, parsed, err)
		}
	}
	for _, address := range []string{
		"", "vault.example", "https://vault.example:50051", "host:99999", "dns://8.8.8.8/vault:1", "ipv4:127.0.0.1",
		"ipv4:vault.example:1", "host:", ":50051", "unix:",
	} {
		if parsed, err := parseAddress(address); err == nil {
			t.Errorf("%q: got %+v", address, parsed)
		}
	}
}
