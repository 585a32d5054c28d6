package upstream

import (
	"crypto/sha1" // the protocol's choice; see Digest
	"encoding/hex"
)

// Digest returns what a component answers to a stream header with that id: the
// lower-case hexadecimal SHA-1 of the id, as it reads after XML unescaping,
// followed by the secret as it is, neither trimmed nor re-encoded (XEP-0114
// section 3).
//
// The hash keeps the secret off the wire and nothing more; who can read the
// connection can use it. That is why a Link insists on TLS or loopback.
func Digest(id, secret string) string {
	sum := sha1.Sum([]byte(id + secret))
	return hex.EncodeToString(sum[:])
}
