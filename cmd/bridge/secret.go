package main

import (
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
)

// secretBytes is the length of a new secret: more than the 20 bytes of the SHA-1
// that XEP-0114 makes of it.
const secretBytes = 32

func secretVerb() verb {
	return verb{
		name: "secret", short: "print a new random secret for the component",
		long: "Prints 32 random bytes in hexadecimal, on one line. The same line belongs into the\n" +
			"file that upstream.secret_file names and into the server's configuration.",
		setup: func(*flag.FlagSet) func(*call) int {
			return func(c *call) int {
				if !c.noArgs() {
					return c.refuseArgs()
				}
				return secret(c)
			}
		},
	}
}

func secret(c *call) int {
	random := make([]byte, secretBytes)
	_, _ = rand.Read(random) // never fails since Go 1.24: it ends the program instead
	if _, err := fmt.Fprintln(c.out, hex.EncodeToString(random)); err != nil {
		fmt.Fprintf(c.err, "%s secret: %v; nothing usable was written, try again\n", c.program, err)
		return exitRuntime
	}
	fmt.Fprintf(c.err, "store it so that only the service can read it:\n"+
		"  (umask 077; %s secret > /etc/meshbridge/secret)\n"+
		"and give the server the same line, in Prosody as component_secret\n", c.program)
	return exitOK
}
