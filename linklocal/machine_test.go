package linklocal

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// machineAt is a machine at addresses, each with its hardware.
func machineAt(host string, seats ...string) Machine {
	m := Machine{Host: host}
	for i := 0; i < len(seats); i += 2 {
		m.Seats = append(m.Seats, Seat{netip.MustParseAddr(seats[i]), seats[i+1]})
	}
	return m
}

func TestPin(t *testing.T) {
	at := machineAt
	for _, tt := range []struct {
		name     string
		then, at Machine // the far end when it was pinned, and now
		want     bool
	}{
		{"nothing has changed", at("pronto", "10.2.1.187", "aa"), at("pronto", "10.2.1.187", "aa"), true},
		{"another lease, the same hardware", at("pronto", "10.2.1.187", "aa"), at("pronto", "10.2.1.42", "aa"), true},
		{"the same lease, other hardware", at("pronto", "10.2.1.187", "aa"), at("pronto", "10.2.1.187", "bb"), true},
		{"a temporary address that no record names, the same hardware", at("pronto", "10.2.1.187", "aa"), at("pronto", "2001:db8::7", "aa", "10.2.1.187", "aa"), true},
		{"the other family, the same hardware", at("pronto", "10.2.1.187", "aa", "fe80::1%e", "aa"), at("pronto", "fe80::1%e", "aa"), true},
		{"from the cable to the radio", at("pronto", "10.2.1.187", "aa"), at("pronto", "10.2.1.42", "bb"), false},
		{"from the cable to the radio, both in the records", at("pronto", "10.2.1.187", "aa"), at("pronto", "10.2.1.42", "bb", "10.2.1.187", "aa"), false},
		{"a stranger who put the old address beside its own", at("pronto", "10.2.1.187", "aa"), at("pronto", "10.2.1.66", "ee", "10.2.1.187", "aa"), false},
		{"a stranger's address stood in the records when it was pinned", at("pronto", "10.2.1.187", "aa", "10.2.1.66", "ee"), at("pronto", "10.2.1.66", "ee"), false},
		{"the kernel knows no hardware, an address in common", at("pronto", "10.2.1.187", ""), at("pronto", "fe80::1%e", "", "10.2.1.187", ""), true},
		{"the kernel knows no hardware, none in common", at("pronto", "10.2.1.187", ""), at("pronto", "10.2.1.42", ""), false},
		{"another host name, same address and hardware", at("pronto", "10.2.1.187", "aa"), at("forza", "10.2.1.187", "aa"), false},
		{"nothing known", at("pronto", "10.2.1.187", "aa"), at("pronto"), false},
	} {
		t.Run("INJ-26 "+tt.name, func(t *testing.T) {
			if got := tt.then.Pin().Is(tt.at); got != tt.want {
				t.Errorf("Is = %v", got)
			}
		})
	}
}

func TestParseMachine(t *testing.T) {
	for _, m := range []Machine{
		machineAt("pronto", "10.2.1.187", "02:00:00:00:00:01"),
		machineAt("juliet's mac book, the 2nd=", "10.2.1.187", "", "fe80::1%br-lan", "02:00:00:00:00:01"),
	} {
		t.Run("INJ-26 what is written is read again", func(t *testing.T) {
			got, ok := ParseMachine(m.String())
			if !ok || !reflect.DeepEqual(got, m) {
				t.Errorf("%q: %+v", m.String(), got)
			}
		})
	}
	for _, bad := range []string{
		"", " ", "pronto", "10.2.1.187", "10.2.1.187 ", " pronto", "10.2.1.187, pronto", "10.2.1.300 pronto", "=aa pronto", "10.2.1.187 Pronto",
		strings.Repeat("10.2.1.187,", maxSeats) + "10.2.1.187 pronto",
	} {
		t.Run("INJ-26 nothing else is: "+bad, func(t *testing.T) {
			if m, ok := ParseMachine(bad); ok {
				t.Errorf("%q is %+v", bad, m)
			}
		})
	}
}

func FuzzParseMachine(f *testing.F) {
	f.Add("10.2.1.187=02:00:00:00:00:01,fe80::1%br-lan pronto")
	f.Add("x")
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := ParseMachine(text)
		if !ok {
			return
		}
		if again, ok := ParseMachine(m.String()); !ok || !reflect.DeepEqual(again, m) {
			t.Errorf("%q: %+v, then %+v", text, m, again)
		}
		m.Is(m)
		m.Pin()
	})
}
