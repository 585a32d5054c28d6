// Package stanza is XML as an XMPP gateway may use it: a strict reader, a small
// tree, and a writer.
//
// Nothing in the program lets bytes, tokens or raw inner XML pass from one side
// to the other. What arrives is read by [Reader], which refuses what XMPP forbids
// (RFC 6120 section 11.1) and what parsers disagree about; what leaves is built as
// an [Element] or a [Stanza] and written by [Append], which has the only escaper.
// A text that looks like markup is therefore text on both sides, and one stanza
// in can never become two stanzas out.
//
// The two streams of a gateway differ in one word, their content namespace:
// jabber:client on the mesh, jabber:component:accept upstream. The tree has no
// such difference: names of the content namespace carry an empty [Name.Space],
// and the writer puts in the word of the stream it writes for.
//
// The package is a leaf. It imports the standard library only.
package stanza
