// Package config reads bridge.yaml, the one file an admin writes.
//
// The promise to that admin is: a file that is wrong is refused whole, every
// fault in it is named at once, and each is named with its line, its column,
// its key and what to write instead. Hence nothing here is lenient. Unknown
// keys, keys written twice, aliases, a second document and values out of range
// are errors; nothing is guessed, and no default hides a typing mistake.
//
// A file takes three steps, each in its own room:
//
//   - decode.go turns YAML into a plain tree with positions. It is the only
//     file of the program that knows a YAML library.
//   - keys.go walks the tree along a table: one row per key, naming the
//     function that reads the value. The table is also what the tests compare
//     bridge.yaml.example with, so that no key stays undocumented.
//   - check.go judges what only shows when all values are known (a colleague
//     in the component's own domain, plaintext to another host).
//
// [Parse] does these three and looks at nothing but the text it is given.
// [Load] also reads what the text names: the secret, certificates, and the
// permissions of the state folder. A [Config] is a value that nobody changes
// after it was made; a reload makes a new one.
package config
