package config

import (
	"encoding/base64"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

func itoa(n int) string { return strconv.Itoa(n) }

// scalar is the text of a single value. It reports anything else, and text
// that spans lines, under the advice do.
func (v value) scalar(do string) (string, bool) {
	switch {
	case v.kind == unusable:
	case v.kind == null:
		v.fail("has no value", do+", or put a # before the key")
	case v.kind != scalar:
		v.fail("is "+v.kind.noun(), do)
	case strings.ContainsFunc(v.text, unicode.IsControl):
		v.fail("holds a line break or another control character", do)
	default:
		return v.text, true
	}
	return "", false
}

func boolean(dst *bool) func(value) {
	return func(v value) {
		const do = "write true or false"
		switch text, ok := v.scalar(do); {
		case !ok:
		case text == "true", text == "false":
			*dst = text == "true"
		case slices.Contains([]string{"yes", "on", "1", "true"}, strings.ToLower(text)):
			v.fail(quote(text)+" is neither true nor false", "write true")
		case slices.Contains([]string{"no", "off", "0", "false"}, strings.ToLower(text)):
			v.fail(quote(text)+" is neither true nor false", "write false")
		default:
			v.fail(quote(text)+" is neither true nor false", do)
		}
	}
}

func number[T int | uint16](dst *T, low, high int) func(value) {
	return func(v value) {
		do := "write a whole number from " + itoa(low) + " to " + itoa(high)
		text, ok := v.scalar(do)
		if !ok {
			return
		}
		n, err := strconv.Atoi(text)
		switch {
		case err != nil:
			v.fail(quote(text)+" is not a whole number", do)
		case n < low || n > high:
			v.fail(text+" is out of range", do)
		default:
			*dst = T(n)
		}
	}
}

func duration(dst *time.Duration, low, high time.Duration) func(value) {
	return func(v value) {
		do := "write a time with its unit, such as 90s, 15m or 24h, from " + span(low) + " to " + span(high)
		text, ok := v.scalar(do)
		if !ok {
			return
		}
		d, err := time.ParseDuration(text)
		switch {
		case err != nil && digits(text):
			v.fail(quote(text)+" has no unit", do)
		case err != nil:
			v.fail(quote(text)+" is not a time", do)
		case d < low || d > high:
			v.fail(text+" is out of range", do)
		default:
			*dst = d
		}
	}
}

// span is d as an admin would write it: 15m and not 15m0s.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func size[T int | int64](dst *T, low, high int64) func(value) {
	return func(v value) {
		do := "write a size such as 256KiB or 8MiB, from " + bytesText(low) + " to " + bytesText(high)
		text, ok := v.scalar(do)
		if !ok {
			return
		}
		n, ok := parseSize(text)
		switch {
		case !ok:
			v.fail(quote(text)+" is not a size", do)
		case n < low || n > high:
			v.fail(text+" is out of range", do)
		default:
			*dst = T(n)
		}
	}
}

// parseSize reads a whole number of bytes, KiB, MiB or GiB. KB and MB, which
// mean two things, are not sizes here.
func parseSize(text string) (int64, bool) {
	number, shift := text, 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			number, shift = strings.TrimRight(rest, " "), 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return 0, false
	}
	return n << shift, true
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return strconv.FormatInt(n>>30, 10) + "GiB"
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + "MiB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.FormatInt(n>>10, 10) + "KiB"
	}
	return strconv.FormatInt(n, 10)
}

func choice[T ~string](dst *T, options ...T) func(value) {
	return func(v value) {
		var all []string
		for _, o := range options {
			all = append(all, string(o))
		}
		do := "write " + strings.Join(all, " or ")
		text, ok := v.scalar(do)
		if !ok {
			return
		}
		for _, o := range options {
			if text == string(o) {
				*dst = o
				return
			}
		}
		if near := Nearest(strings.ToLower(text), all); near != "" {
			do += "; did you mean " + near + "?"
		}
		v.fail(quote(text)+" is not a choice here", do)
	}
}

func logLevel(dst *slog.Level) func(value) {
	return func(v value) {
		var name string
		choice(&name, "debug", "info", "warn", "error")(v)
		if name != "" {
			_ = dst.UnmarshalText([]byte(name)) // the four names are slog's own
		}
	}
}

func meshLevel(dst *Mesh) func(value) {
	return func(v value) {
		switch v.text {
		case "authenticated":
			v.fail("this version cannot hold the LAN to "+quote(v.text)+" yet", "write linked, approved or bound")
		default:
			choice(dst, Bound, Approved, Linked)(v)
		}
	}
}

// pathname takes the name of a file or folder. A relative one is meant from
// the folder of the configuration file.
func pathname(dst *string, needed bool) func(value) {
	return func(v value) {
		const do = "write the path of a file, best an absolute one"
		text, ok := v.scalar(do)
		switch {
		case !ok:
		case text == "" && needed:
			v.fail("is empty", do)
		case text == "":
			*dst = ""
		case filepath.IsAbs(text):
			*dst = filepath.Clean(text)
		default:
			*dst = filepath.Join(filepath.Dir(v.r.file), text)
		}
	}
}

func envName(dst *string) func(value) {
	return func(v value) {
		const do = "write the name of an environment variable, such as MESHBRIDGE_SECRET"
		text, ok := v.scalar(do)
		if !ok {
			return
		}
		if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(text) {
			v.fail("is no name of an environment variable", do) // it may be the secret itself: do not repeat it
			return
		}
		*dst = text
	}
}

// pin takes "sha256/" and the base64 of a SHA-256 hash, or nothing.
func pin(dst *[]byte) func(value) {
	return func(v value) {
		const do = "write sha256/ and the base64 of the SHA-256 of the server key's SubjectPublicKeyInfo (44 characters)"
		text, ok := v.scalar(do)
		if !ok || text == "" {
			return
		}
		encoded, ok := strings.CutPrefix(text, "sha256/")
		sum, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(sum) != 32 {
			v.fail(quote(text)+" is not a pin", do)
			return
		}
		*dst = sum
	}
}
