// Package wording reads what people type to the gateway in a chat, and puts times and
// lists into sentences. It is pure: text in, text out.
//
// Who types has a chat window and no manual, so reading is forgiving: upper and lower
// case, quotes, a slash in front and a full stop behind mean nothing.
package wording
