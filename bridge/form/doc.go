// Package form writes and reads forms (XEP-0004): what somebody is asked, what is
// told in a table, and what comes back.
//
// What comes back is a stranger's. It is read by the form that was shown: a field
// that was not in it means nothing, and an answer that the form did not allow is
// refused whole. Reading is bounded and pure.
package form
