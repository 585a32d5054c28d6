package upstream

import "testing"

func TestDomainHolds(t *testing.T) {
	for _, c := range []struct {
		domain, address string
		want            bool
	}{
		{"lan.example.org", "lan.example.org", true},
		{"lan.example.org", "a@lan.example.org/r", true},
		{"lan.example.org", "a@LAN.example.ORG", true},
		{"lan.example.org", "a@lan.example.org.", true},
		{"LAN.example.org.", "a@lan.example.org", true},
		{"lan.example.org", "lan.example.org/a@b", true},
		{"lan.example.org", "", false},
		{"lan.example.org", "a@", false},
		{"lan.example.org", "/lan.example.org", false},
		{"lan.example.org", "a@b/lan.example.org", false},
		{"lan.example.org", "a@b@lan.example.org", false},
		{"lan.example.org", "a@xlan.example.org", false},
		{"büro.example", "a@büro.example", true},
		{"büro.example", "a@BÜRO.example", true},
		{"büro.example", "a@xn--bro-hoa.example", true},
		{"xn--bro-hoa.example", "a@büro.example", true},
		{"büro.example", "a@buro.example", false},
		{"kk.example", "a@\u212Ak.example", true}, // the Kelvin sign maps to k in every domain
		{"büro.example", "a@\xff", false},
	} {
		d, err := parseDomain(c.domain)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.holds(c.address); got != c.want {
			t.Errorf("%s holds %q = %v, want %v", c.domain, c.address, got, c.want)
		}
	}
}
