package config

// kind is what a value looks like in the file.
type kind int

const (
	scalar kind = iota // text, a number, true: one value
	list
	table
	null     // nothing, or ~
	unusable // reported already, to be passed over
)

// node is one value of the file with its place.
type node struct {
	kind  kind
	text  string // of a scalar
	mark  mark
	pairs []pair  // of a table, in order, keys as written (also twice)
	items []*node // of a list
}

// pair is one "key: value" of a table.
type pair struct {
	key   string
	mark  mark // of the key
	value *node
}

// noun names the kind in a message to the admin.
func (k kind) noun() string {
	switch k {
	case list:
		return "a list"
	case table:
		return "a section of keys"
	case null:
		return "nothing"
	}
	return "a single value"
}
