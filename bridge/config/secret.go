package config

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Secret is the shared secret of the component (XEP-0114). However it is
// printed, logged or marshalled, it shows "[redacted]" (SEC-6); only Reveal
// gives it away.
type Secret struct{ value string }

const redacted = "[redacted]"

// NewSecret makes a Secret of its plain text, for tests and the demo.
func NewSecret(plain string) Secret { return Secret{value: plain} }

// Reveal is the plain text, to be hashed and forgotten.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == "" }

// Equal compares two secrets, which go-cmp needs.
func (s Secret) Equal(other Secret) bool { return s == other }

// String hides the secret.
func (Secret) String() string { return redacted }

// Format hides the secret under every verb, %x and %#v included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the secret.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
