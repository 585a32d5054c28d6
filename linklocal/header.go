package linklocal

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"meshbridge/internal/stanza"
)

// lang is the language of our own texts (RFC 6120 section 4.7.4).
const lang = "en"

// answer is our header, and features where both sides speak version 1.0 (XEP-0174
// section 6), with what the proxy can (section 10). A name that the peer left out is
// left out too; without it nobody knows whose features these are, so they are empty.
func (s *stream) answer(h stanza.Header) []byte {
	own := stanza.Header{From: s.self, To: s.instance, ID: newID(), Lang: lang}
	if !modern(h.Version) {
		return stanza.AppendHeader(nil, stanza.Client, own)
	}
	own.Version = "1.0"
	features := stanza.New(stanza.NSStream, "features")
	if s.disco != nil {
		features.Add(s.disco)
	}
	out := stanza.AppendHeader(nil, stanza.Client, own)
	return stanza.AppendElement(out, stanza.Client, features)
}

// newID returns an unpredictable stream id of 128 bits (RFC 6120 section 4.7.3).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// modern reports whether a stream header says version 1.0 or later (RFC 6120
// section 4.7.5): numbers, not text.
func modern(version string) bool {
	major, minor, ok := strings.Cut(version, ".")
	a, err := strconv.ParseUint(major, 10, 32)
	_, err2 := strconv.ParseUint(minor, 10, 32)
	return ok && err == nil && err2 == nil && a >= 1
}
