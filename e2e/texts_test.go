//go:build linux

package e2e

import "fmt"

// awkward are message texts that some layer is tempted to interpret. They must
// arrive as they were typed.
var awkward = []string{
	"hello",
	"a <b>bold</b> claim",
	"R&D & more &amp; even more",
	`"double" and 'single' quotes`,
	"emoji 👋🏽 🧚‍♀️ 🎭",
	"two\nlines",
	"three\n\nwith one empty",
	"<script>alert('x')</script>",
	"&lt;b&gt; already escaped",
	"</body></message><message><body>injected",
	"]]> and <![CDATA[ marked ]]>",
	"grüße aus münchen, ﬁne",
	"right שלום left",
	`back\slash and \n literally`,
	"100% %s {}",
	"<!-- comment --> <?pi?>",
	"http://example.org/?a=1&b=<2>",
	"<font color='red'>red</font><br>",
	"&#x41; &nbsp; &copy;",
	"  led and trailed, and  two  inside",
}

// numbered makes a text unique, so that order and number of copies show.
func numbered(who string, i int, text string) string {
	return fmt.Sprintf("%s%02d %s", who, i, text)
}
