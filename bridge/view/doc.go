// Package view prints what there is to see on a mesh, as it changes. It looks on: it
// publishes nothing, opens no stream, and needs neither root nor a running bridge.
package view
