// Package xep0106 writes any text into the local part of a JID and reads it back
// (XEP-0106, JID escaping). It knows the ten sequences and nothing about the names
// that are escaped.
package xep0106
