package uri

import (
	"errors"
	"strings"
	"testing"

	"mellium.im/xmpp/jid"
)

func TestMailboxToJID(t *testing.T) {
	for _, c := range []struct{ rule, in, want string }{
		{"RES-3860-1 V-3 im", "im:user@example.com", "user@example.com"},
		{"RES-3860-1 V-3 pres", "pres:user@example.com", "user@example.com"},
		{"RES-3922-2 V-3 the escapes of XEP-0106", "im:here%27s_a_wild_%26_%2Fcr%25zy%2F_address@example.com", `here\27s_a_wild_\26_\2fcr%zy\2f_address@example.com`},
		{"RES-3860-1 V-3 headers are ignored", "im:fred@example.com?subject=hi&body=x", "fred@example.com"},
		{"RES-3860-1 V-3 the scheme in any case", "IM:Fred@EXAMPLE.com", "fred@example.com"},
		{"RES-3922-1 V-3 split before decoding", "im:a%40b@example.com", `a\40b@example.com`},
		{"RES-3922-1 V-3 UTF-8", "im:j%C3%BCrgen@example.com", "jürgen@example.com"},
		{"RES-3922-1 V-3 a single label is a URI still", "im:fred@localhost", "fred@localhost"},
		{"RES-3922-1 V-3 and so is an address", "im:fred@192.0.2.1", "fred@192.0.2.1"},
		{"RES-3922-2 a backslash that would be read as an escape", `im:a%5C40b@example.com`, `a\5c40b@example.com`},
		{"an A-label", "im:a@xn--mnchen-3ya.example", "a@münchen.example"},
		{"IPv6", "im:a@[2001:db8::1]", "a@[2001:db8::1]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			u, err := Parse(c.in)
			if err != nil || u.JID() != c.want {
				t.Errorf("%s: %q, %v; want %q", c.in, u.JID(), err, c.want)
			}
		})
	}
}

func TestXMPPToJID(t *testing.T) {
	for _, c := range []struct{ rule, in, want, account string }{
		{"RES-5122-1 V-3", "xmpp:node@example.com", "node@example.com", ""},
		{"RES-5122-1 V-3 upper case", "XMPP:Node@Example.com", "node@example.com", ""},
		{"RES-5122-1 V-3 a server", "xmpp:example.com", "example.com", ""},
		{"RES-5122-2 V-3 an account alone is no target", "xmpp://guest@example.com", "", "guest@example.com"},
		{"RES-5122-2 nor with a slash", "xmpp://guest@example.com/", "", "guest@example.com"},
		{"RES-5122-2 V-3 the account is no destination", "xmpp://guest@example.com/support@example.com?message", "support@example.com", "guest@example.com"},
		{"RES-5122-3 V-3 query and fragment are ignored", "xmpp:support@example.com?message;subject=Hello%20World#frag", "support@example.com", ""},
		{"RES-5122-3 unknown ones too", "xmpp:a@example.com?foo;bar=1#x", "a@example.com", ""},
		{"RES-5122-3 even broken ones", "xmpp:a@example.com?%zz#%", "a@example.com", ""},
		{"RES-5122-1 V-3 UTF-8", "xmpp:ji%C5%99i@%C4%8Dechy.example/v%20Praze", "jiři@čechy.example/v Praze", ""},
		{"RES-5122-1 V-3 an escape", "xmpp:juliet%5C40pronto@lan.example.com", `juliet\40pronto@lan.example.com`, ""},
		{"RES-5122-1 an @ and a / in the resource", "xmpp:a@example.com/b/c@d", "a@example.com/b/c@d", ""},
		{"a dot at the end", "xmpp:a@example.com.", "a@example.com", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			u, err := Parse(c.in)
			if err != nil || u.JID() != c.want || u.Account != c.account {
				t.Errorf("%s: %q, account %q, %v; want %q, %q", c.in, u.JID(), u.Account, err, c.want, c.account)
			}
		})
	}
}

func TestSRVName(t *testing.T) {
	for _, in := range []string{"srv:_xmpp-component._tcp.example.net", "SRV:_XMPP-Component._TCP.EXAMPLE.net."} {
		u, err := Parse(in)
		if want := (URI{Scheme: SRV, Service: "_xmpp-component._tcp", Domain: "example.net"}); err != nil || u != want {
			t.Errorf("%s: %+v, %v", in, u, err)
		}
	}
}

func TestNoURI(t *testing.T) {
	for _, c := range []struct {
		rule, in string
		want     error
	}{
		{"RES-3860-1 V-3 an empty local part", "im:@example.com", ErrAddress},
		{"RES-3860-1 V-3 no @", "im:fred", ErrAddress},
		{"RES-5122-1 V-3 another scheme", "mailto:a@b.example", ErrScheme},
		{"no scheme", "a@b.example", ErrScheme},
		{"RES-5122-1 half a percent-encoding", "xmpp:al%ice@example.org", ErrPercent},
		{"RES-5122-1 an encoded @ separates nothing", "xmpp:a%40b@example.org", ErrAddress},
		{"RES-5122-1 no node before the @", "xmpp:@example.org", ErrAddress},
		{"RES-5122-1 no domain after it", "xmpp:alice@", ErrAddress},
		{"RES-5122-1 no resource after the /", "xmpp:alice@example.org/", ErrAddress},
		{"RES-5122-1 nothing", "xmpp:", ErrAddress},
		{"an empty label", "xmpp:alice@example..org", ErrAddress},
		{"an ideographic dot that becomes one", "xmpp:alice@example.。org", ErrAddress},
		{"a slash that NFKC makes", "xmpp:alice@example.org／x", ErrAddress},
		{"a space in the domain", "xmpp:a@b%20c.example", ErrAddress},
		{"no UTF-8", "xmpp:%FF@example.org", ErrAddress},
		{"two @", "im:a@b@example.org", ErrAddress},
		{"a resource in a mailbox", "im:a@example.org/x", ErrAddress},
		{"RES-3922-2 the old escapes are not read", "im:a#26;b@example.org", ErrAddress},
		{"a space at an end of a mailbox", "im:%20a@example.org", ErrAddress},
		{"longer than any", "xmpp:" + strings.Repeat("a", maxURI), ErrScheme},
		{"a JID part longer than any", "xmpp:" + strings.Repeat("a", 1024) + "@example.org", ErrAddress},
		{"srv without a service", "srv:example.org", ErrAddress},
		{"srv over UDP", "srv:_sip._udp.example.org", ErrAddress},
		{"srv without a domain", "srv:_x._tcp.", ErrAddress},
		{"srv with an odd label", "srv:_x y._tcp.example.org", ErrAddress},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if u, err := Parse(c.in); !errors.Is(err, c.want) {
				t.Errorf("%s: %+v, %v; want %v", c.in, u, err, c.want)
			}
		})
	}
}

func TestJIDToMailbox(t *testing.T) {
	for _, c := range []struct{ rule, in, want string }{
		{"RES-3922-3 V-3 the resource goes", "fred@example.com/work", "fred@example.com"},
		{"RES-3922-3 V-3 an apostrophe", `d\27artagnan@musketeers.lit`, "d%27artagnan@musketeers.lit"},
		{"RES-3922-3 V-3 everything", `here\27s_a_wild_\26_\2fcr%zy\2f_address@example.com`, "here%27s_a_wild_%26_%2Fcr%25zy%2F_address@example.com"},
		{"RES-3922-3 V-3 UTF-8", "jürgen@example.com", "j%C3%BCrgen@example.com"},
		{"RES-3922-3 V-3 hyphen and question mark", "a-b?c@example.com", "a%2Db%3Fc@example.com"},
		{"RES-3922-3 what passes", "aZ09!$*._~+=@example.com", "az09!$*._~+=@example.com"},
		{"the domain in A-labels", "a@münchen.example", "a@xn--mnchen-3ya.example"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			j := jid.MustParse(c.in)
			for _, scheme := range []string{IM, Pres} {
				text := Of(scheme, j).String()
				if text != scheme+":"+c.want {
					t.Errorf("%s: %s", c.in, text)
				}
				if u, err := Parse(text); err != nil || u.JID() != j.Bare().String() {
					t.Errorf("%s reads back as %q, %v", text, u.JID(), err)
				}
			}
		})
	}
}

func TestJIDToXMPP(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"node@example.com", "node@example.com"},
		{"nasty!#$%()*+,-.;=?[\\]^_`{|}~node@example.com", "nasty!%23$%25()*+,-.;=%3F%5B%5C%5D%5E_%60%7B%7C%7D~node@example.com"},
		{"node@example.com/repulsive !#\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~resource",
			"node@example.com/repulsive%20!%23%22$%25&'()*+,-.%2F:;%3C=%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~resource"},
		{"jiři@čechy.example/v Praze", "ji%C5%99i@%C4%8Dechy.example/v%20Praze"},
		{`juliet\40pronto@lan.example.com`, "juliet%5C40pronto@lan.example.com"},
		{"example.com", "example.com"},
		{"a@[2001:db8::1]/x", "a@[2001:db8::1]/x"},
	} {
		t.Run("RES-5122-5 V-3 "+c.in, func(t *testing.T) {
			j := jid.MustParse(c.in)
			text := Of(XMPP, j).String()
			if text != "xmpp:"+c.want {
				t.Errorf("got  %s\nwant xmpp:%s", text, c.want)
			}
			if u, err := Parse(text); err != nil || u.JID() != j.String() {
				t.Errorf("%s reads back as %q, %v", text, u.JID(), err)
			}
		})
	}
}

func TestASCII(t *testing.T) {
	for in, want := range map[string]string{
		"münchen.example":                 "xn--mnchen-3ya.example",
		"čechy.example":                   "xn--echy-fua.example",
		"EXAMPLE.com":                     "example.com",
		"example.com.":                    "example.com",
		"my_host.example":                 "my_host.example",
		"faß.example":                     "xn--fa-hia.example", // IDNA2008: not the same as fass.example
		"":                                "",
		".":                               "",
		"a..b":                            "",
		"a b.example":                     "",
		"xn--zzzzzz99999.example":         "",
		strings.Repeat("a", 64) + ".test": "",
		strings.Repeat("a.", 127) + "aa":  "",
		`a\.b.example`:                    "",
		"a/b.example":                     "",
	} {
		t.Run("LL-I18N-7 "+in, func(t *testing.T) {
			if got, err := ASCII(in); got != want || (err == nil) != (want != "") {
				t.Errorf("%q becomes %q, %v; want %q", in, got, err, want)
			}
		})
	}
}
