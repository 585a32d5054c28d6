package bridge

import (
	"strings"
	"time"

	"github.com/miekg/dns"

	"meshbridge/linklocal"
)

// record is a DNS record that somebody multicast about an instance.
type record struct {
	at  time.Time
	rr  dns.RR
	ttl uint32
}

// packets counts what a host has sent since a time, but for questions to one machine whether
// somebody is still there, which nobody else hears.
func (o *office) packets(host string, since time.Time) int {
	n := 0
	for _, p := range o.lan.Log() {
		var m dns.Msg
		if p.Host != host || !p.At.After(since) || p.Lost || m.Unpack(p.Data) == nil && !m.Response && !p.Multicast() {
			continue
		}
		n++
	}
	return n
}

// announced returns the records about an instance, in responses of a host.
func (o *office) announced(host, instance string) []record {
	var list []record
	for _, p := range o.lan.Log() {
		var m dns.Msg
		if p.Host != host || p.Lost || m.Unpack(p.Data) != nil || !m.Response {
			continue
		}
		for _, rr := range append(m.Answer, m.Extra...) {
			name := rr.Header().Name
			if ptr, ok := rr.(*dns.PTR); ok {
				name = ptr.Ptr
			}
			if instanceOf(name) == instance {
				list = append(list, record{p.At, rr, rr.Header().Ttl})
			}
		}
	}
	return list
}

// instanceOf reads the instance out of a name in presentation form.
func instanceOf(name string) string {
	label, ok := strings.CutSuffix(name, "."+linklocal.ServiceType+".local.")
	if !ok {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(label); i++ {
		if label[i] != '\\' || i+1 == len(label) {
			b.WriteByte(label[i])
			continue
		}
		i++
		if i+2 < len(label) && label[i] >= '0' && label[i] <= '9' {
			b.WriteByte((label[i]-'0')*100 + (label[i+1]-'0')*10 + label[i+2] - '0')
			i += 2
			continue
		}
		b.WriteByte(label[i])
	}
	return b.String()
}

// texts returns the different TXT records announced for an instance since a time, in
// order, as "status message".
func (o *office) texts(instance string, since time.Time) []string {
	var list []string
	for _, r := range o.announced("router", instance) {
		txt, ok := r.rr.(*dns.TXT)
		if !ok || r.ttl == 0 || !r.at.After(since) {
			continue
		}
		p := linklocal.ParseTXT(txt.Txt)
		word := strings.TrimSpace(string(p.Status) + " " + p.Message)
		if len(list) == 0 || list[len(list)-1] != word {
			list = append(list, word)
		}
	}
	return list
}

// goodbyes counts the moments at which a host took an instance back.
func (o *office) goodbyes(host, instance string) int {
	var last time.Time
	n := 0
	for _, r := range o.announced(host, instance) {
		if _, ok := r.rr.(*dns.PTR); ok && r.ttl == 0 && r.at.Sub(last) > time.Second {
			n++
			last = r.at
		}
	}
	return n
}
