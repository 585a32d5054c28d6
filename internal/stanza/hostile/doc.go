// Package hostile is a table of what an attacker on the LAN may write to a stream, and
// of what looks like that and is legal. The strict reader, the mesh and the built
// program are held to the same table by their tests; the program itself does not
// use it.
//
// Texts name the sender ME and the addressed proxy YOU; [Fill] puts names in.
package hostile
