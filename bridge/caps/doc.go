// Package caps says what an entity is and can do (XEP-0030 section 3) and reckons
// the hash by which others recognise that without asking (XEP-0115). It is pure:
// values in, values out.
//
// What a stranger says of himself is read by Parse, which is strict where the hash
// would not be: an answer with a repeat in it, or with a delimiter of the hash in a
// name, could have the hash of another one, and is refused (XEP-0115 section 5.4).
package caps
