package mdns

// MaxInstances is for tests from outside.
const MaxInstances = maxInstances
