package wording

import (
	"strconv"
	"strings"
	"time"
)

// List joins what is listed as English does.
func List(items []string) string {
	switch n := len(items); n {
	case 0:
		return "nobody"
	case 1:
		return items[0]
	default:
		return strings.Join(items[:n-1], ", ") + " and " + items[n-1]
	}
}

// Count is a number of things: "1 message", "2 messages".
func Count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// Until says for how long something lasts that ends wait after now: up to a time of
// day as the clock on the wall shows it. Where the clock is not set it says how long.
func Until(now time.Time, wait time.Duration, clockSet bool) string {
	end := now.Add(wait).Local()
	now = now.Local()
	switch {
	case !clockSet:
		return "for up to " + Span(wait)
	case end.YearDay() == now.YearDay() && end.Year() == now.Year():
		return "until " + end.Format("15:04")
	case wait < 6*24*time.Hour:
		return "until " + end.Format("Monday 15:04")
	}
	return "until " + end.Format("Monday 2 January")
}

// Span is a duration in its largest unit, rounded: "3 minutes".
func Span(d time.Duration) string {
	switch {
	case d >= 36*time.Hour:
		return Count(int(d.Round(24*time.Hour)/(24*time.Hour)), "day")
	case d >= 90*time.Minute:
		return Count(int(d.Round(time.Hour)/time.Hour), "hour")
	case d >= time.Minute:
		return Count(int(d.Round(time.Minute)/time.Minute), "minute")
	}
	return Count(max(1, int(d.Round(time.Second)/time.Second)), "second")
}
